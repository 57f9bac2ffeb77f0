import { CodedError } from '@ioto/runtime';
import type { Agent, AgentOptions } from './agent.ts';

/** Makes an agent. Nothing is read, written or opened before `start`. */
export function createAgent(_options: AgentOptions = {}): Agent {
  throw new CodedError('AGENT_NOT_BUILT', 'the agent cannot start yet in this revision');
}
