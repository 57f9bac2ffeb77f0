import type { Component } from '@ioto/runtime';
import { type AgentParts, need } from '../../agent-parts.ts';
import { SerializeService } from './service.ts';

export function build(parts: AgentParts): Component {
  const { plan, settings, directories, events, checkpoint, options } = parts;
  parts.serialize = new SerializeService({
    mode: plan.serialize,
    settings,
    directories,
    events,
    fetch: (url, request) => need(parts.url, 'url').fetch(url, request),
    asked: options.id !== undefined,
    checkpoint,
  });
  return parts.serialize;
}
