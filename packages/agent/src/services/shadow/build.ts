import { join } from 'node:path';
import type { Component } from '@ioto/runtime';
import { type AgentParts, need } from '../../agent-parts.ts';
import { SHADOW_FILE } from '../../config-loading/directories.ts';
import { ShadowService } from './service.ts';

export function build(parts: AgentParts): Component {
  const { clock, logger, events, settings, directories, random } = parts;
  const { id } = need(parts.identity, 'register');
  const service = new ShadowService({
    ...{ id, clock, logger, events, random },
    path: join(directories.db, SHADOW_FILE),
    save: settings.shadow.save,
  });
  need(parts.topics, 'mqtt').add(`$aws/things/${id}/shadow/`, service.receive);
  need(parts.mqtt, 'mqtt').addSubscription({ service: 'shadow', filters: service.filters, user: service });
  parts.shadow = service.shadow;
  return service;
}
