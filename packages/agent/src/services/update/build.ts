import type { Component } from '@ioto/runtime';
import type { AgentParts } from '../../agent-parts.ts';

/** The service has its place in the table; it does nothing yet, and says so. */
export function build({ logger }: AgentParts): Component {
  return {
    name: 'update',
    start: async () => logger.debug({}, 'the service update does nothing yet'),
    stop: async () => undefined,
  };
}
