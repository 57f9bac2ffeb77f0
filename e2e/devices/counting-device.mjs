// A maker's own device program on the built agent: counts in its store, and says each number once it is acknowledged.
import { createAgent } from '@ioto/agent';

const [config, state, mode] = process.argv.slice(2);
const agent = createAgent({ config, state });
await agent.start();
let n = Number((await agent.store.get('counter')) ?? 0);
process.stdout.write(`started with ${n}.\n`);
agent.on('device:command', ({ command, args }) => {
  process.stdout.write(`command ${command} ${JSON.stringify(args)}.\n`);
});
agent.on('cloud:ready', () => process.stdout.write('ready.\n'));
while (mode !== 'idle') {
  n += 1;
  await agent.store.set('counter', n);
  process.stdout.write(`kept ${n}.\n`);
  await new Promise((resolve) => setTimeout(resolve, 2));
}
