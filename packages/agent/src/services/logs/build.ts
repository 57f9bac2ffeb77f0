import { join } from 'node:path';
import type { Component } from '@ioto/runtime';
import { type AgentParts, need } from '../../agent-parts.ts';
import { expandPath } from '../../config-loading/directories.ts';

/** Loads what sends logs where there is something to send. */
export async function build(parts: AgentParts): Promise<Component> {
  const { settings, logger, options } = parts;
  const wantsOwn = settings.log.path === 'cloud';
  if (wantsOwn && !options.log) {
    logger.warn({}, "log.path is 'cloud', but the program has not lent its log to the agent");
  }
  const ownLog = wantsOwn ? options.log : undefined;
  if (!ownLog && settings.logs.files.length === 0) {
    return { name: 'logs', start: async () => undefined, stop: async () => undefined };
  }
  const { entriesOf, ownLogDestination } = await import('./entry.ts');
  const { LogsService } = await import('./service.ts');
  const { clock, events, random, serverTime, provisionFile, directories } = parts;
  const { id } = need(parts.identity, 'register');
  const context = { settings, id, keepsApart: () => provisionFile.isCloudOurs };
  return new LogsService({
    ...{ clock, logger, events, random },
    keys: need(parts.keys, 'keys'),
    fetch: need(parts.awsFetch, 'keys'),
    serverNow: () => serverTime.now(),
    owner: () => provisionFile.record.accountId,
    directory: join(directories.db, 'logs'),
    expand: (path) => expandPath(path, directories),
    entries: entriesOf(context),
    ownLog: ownLog && { log: ownLog, destination: ownLogDestination(context) },
    maxSpool: settings.logs.maxSpool,
    poll: settings.logs.poll,
  });
}
