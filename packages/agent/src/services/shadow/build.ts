import type { Component } from '@ioto/runtime';
import type { AgentParts } from '../../agent-parts.ts';

/** The service has its place in the table; it does nothing yet, and says so. */
export function build({ logger }: AgentParts): Component {
  return {
    name: 'shadow',
    start: async () => logger.debug({}, 'the service shadow does nothing yet'),
    stop: async () => undefined,
  };
}
