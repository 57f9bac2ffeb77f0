import type { Component } from '@ioto/runtime';
import type { AgentParts } from '../../agent-parts.ts';

/** The service has its place in the table; it does nothing yet, and says so. */
export function build({ logger }: AgentParts): Component {
  return {
    name: 'keys',
    start: async () => logger.debug({}, 'the service keys does nothing yet'),
    stop: async () => undefined,
  };
}
