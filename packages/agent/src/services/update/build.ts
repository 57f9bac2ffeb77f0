import { join } from 'node:path';
import { readImageKeys } from '@ioto/protocol';
import { CodedError, type Component, messageOf } from '@ioto/runtime';
import isVersion from 'semver/functions/valid.js';
import { type AgentParts, need } from '../../agent-parts.ts';
import { expandPath } from '../../config-loading/directories.ts';
import { readPem } from '../../config-loading/needed.ts';
import { Applying } from './applying.ts';
import { CheckIn } from './check-in.ts';
import type { Trust } from './offer.ts';
import { UpdateScript } from './script.ts';
import { UpdateService } from './service.ts';
import { openWindow } from './window.ts';

export async function build(parts: AgentParts): Promise<Component> {
  const { clock, logger, events, random, settings, directories, serverTime } = parts;
  const { update, scripts, timeouts } = settings;
  const idle = { name: 'update', start: async () => undefined, stop: async () => undefined };
  if (!update.enable) return idle;
  const version = isVersion(settings.version);
  if (version === null) {
    const why =
      'is no version such as 1.2.3, by which updates are told apart: the service update does nothing';
    logger.warn({}, `version: ${JSON.stringify(settings.version)} ${why}`);
    return idle;
  }
  if (!parts.provision) {
    const how = 'images come by agent.updates.install alone';
    logger.info({}, `the service provision is off, and the service update asks no cloud: ${how}`);
  }
  const { device } = need(parts.serialize, 'serialize');
  const directory = join(directories.state, 'update');
  const script = new UpdateScript({ directory, clock, since: performance.timeOrigin });
  const service = new UpdateService({
    ...{ clock, logger, events, random, version, directory, script },
    time: serverTime,
    settings: update,
    checkIn: checkInOf(parts, version),
    fetch: need(parts.url, 'url').fetch,
    patience: timeouts.api,
    trust: await trustOf(parts, device.product ?? ''),
    schedule: await openWindow(update.schedule, 'update.schedule'),
    apply: await openWindow(update.apply, 'update.apply'),
    applying: new Applying({ events, script, command: scripts.update, timeout: update.timeout, directory }),
  });
  parts.updates = service;
  return service;
}

/** Without a cloud nobody is asked. */
function checkInOf({ identity, provisionFile, serialize }: AgentParts, version: string) {
  if (!identity) return { isPossible: false, ask: async () => undefined };
  const { id, api } = identity;
  const { device } = need(serialize, 'serialize');
  return new CheckIn({ api, provisioned: () => provisionFile.record, device, id, version });
}

async function trustOf({ settings, directories }: AgentParts, product: string): Promise<Trust> {
  const { keys: files = [], unsigned, maxSize, product: named } = settings.update;
  const keys = [];
  for (const file of [files].flat()) {
    const path = expandPath(file, directories);
    try {
      keys.push(...readImageKeys(await readPem(path, 'update.keys')));
    } catch (error) {
      const message = `update.keys: ${path}: ${messageOf(error)}`;
      throw error instanceof CodedError && error.code === 'CONFIG_INVALID'
        ? error
        : new CodedError('CONFIG_INVALID', message, { cause: error });
    }
  }
  return { keys, unsigned, maxSize, product: named ?? product };
}
