// A maker's own device program on the built agent: a lamp that does what its shadow desires, and reports that.
import { createAgent } from '@ioto/agent';

const [config, state] = process.argv.slice(2);
const agent = createAgent({ config, state });
await agent.start();
process.once('SIGTERM', async () => {
  await agent.stop();
  process.exit(0);
});
const say = (text) => process.stdout.write(`${text}\n`);
say(`reports ${JSON.stringify(agent.shadow.get())}.`);
agent.shadow.on('delta', async ({ state: desired, version }) => {
  say(`told ${JSON.stringify(desired)} in ${version}.`);
  await agent.shadow.set(desired);
  say(`did ${JSON.stringify(desired)}.`);
});
await agent.shadow.set('starts', Number(agent.shadow.get('starts') ?? 0) + 1);
say('counted.');
