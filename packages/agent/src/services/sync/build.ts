import type { Component } from '@ioto/runtime';
import { type AgentParts, need } from '../../agent-parts.ts';
import { Commands } from './commands.ts';
import { DigestCheck } from './digest-check.ts';
import { Hello } from './hello.ts';
import { SyncService } from './service.ts';

export function build(parts: AgentParts): Component {
  const { clock, logger, events, random, settings, checkpoint, provisionFile } = parts;
  const { sync } = parts.options;
  const { id } = need(parts.identity, 'register');
  const ask = need(parts.ask, 'mqtt');
  const mqtt = need(parts.mqtt, 'mqtt');
  const database = need(parts.database, 'database').database;
  const { device } = need(parts.serialize, 'serialize');
  const { name, description, model, product, test } = device;
  parts.sync = new SyncService({
    clock,
    logger,
    events,
    database,
    id,
    device: { name, description, model, product, test: test === undefined ? undefined : Boolean(test) },
    resendAfter: settings.timeouts.sync,
    maxBytes: settings.database.maxSyncSize,
    hello: new Hello({
      database,
      logger,
      ask,
      isOurs: () => provisionFile.isCloudOurs,
    }),
    whole: { up: sync === 'up' || sync === 'both', down: sync === 'down' || sync === 'both' },
    digests: new DigestCheck({
      ...{ ask, database, clock, logger, events, random },
      every: settings.sync.check,
    }),
    commands: new Commands({
      database,
      clock,
      logger,
      events,
      checkpoint,
      release: async () => parts.link?.release('command'),
      update: () => {
        const { updates } = parts;
        return updates && (() => updates.check());
      },
    }),
  });
  mqtt.addUser(parts.sync);
  return parts.sync;
}
