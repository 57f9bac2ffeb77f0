import type { Component } from '@ioto/runtime';
import type { AgentParts } from '../agent-parts.ts';
import { Link } from './link.ts';

/** The last to start and the first to stop: the walk to the cloud, by the services that are on. */
export function buildLink(parts: AgentParts, { id }: NonNullable<AgentParts['identity']>): Component {
  const { clock, logger, events, random, settings, provisionFile, register, provision, connecting } = parts;
  const { serverTime } = parts;
  parts.link = new Link({
    clock,
    logger,
    events,
    random,
    settings,
    id,
    provisionFile,
    now: () => serverTime.now(),
    steps: { register, provision, mqtt: connecting },
  });
  return parts.link;
}
