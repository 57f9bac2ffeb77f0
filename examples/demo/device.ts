import { type Agent, type AgentOptions, createAgent } from '@ioto/agent';

/**
 * The whole logic of the demo product: it counts its starts in a value that the cloud sees, and keeps the last greeting
 * that the cloud sent. Everything else, from the claim ID to the sync, is the agent's.
 */
export function createDemoDevice(options: AgentOptions): Agent {
  const agent = createAgent(options);
  agent.on('local:ready', async () => {
    const starts = Number((await agent.store.get('starts')) ?? 0);
    await agent.store.set('starts', starts + 1);
  });
  agent.on('device:command:greet', async ({ args }) => {
    await agent.store.set('greeting', String(args.text ?? ''));
  });
  return agent;
}
