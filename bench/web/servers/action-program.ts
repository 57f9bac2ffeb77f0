import { createAgent } from '@ioto/agent';

/** A product's program with an action for whoever has signed in, as `ioto build --entry` makes it one file with the agent. */
const [, config = '', , state = ''] = process.argv.slice(2);
const agent = createAgent({ config, state });
agent.web.action('/api/lamp', { role: 'user' }, ({ username, query }) => ({
  ...{ name: 'Lamp', on: true, brightness: 80, color: '#ffd7a0', seen: '2026-01-01T00:00:00.000Z' },
  ...{ username, room: query.get('room') },
}));
process.once('SIGTERM', () => void agent.stop().then(() => process.exit(0)));
void agent.start().then(() => process.stderr.write('local services are ready\n'));
