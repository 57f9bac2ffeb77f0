// A maker's own device program with an action for everybody, one for users, and a WebSocket; it says how much memory it has when asked.
import { createAgent } from '@ioto/agent';

const [config, state] = process.argv.slice(2);
const agent = createAgent({ config, state });
agent.web.action('/api/echo', { methods: ['GET', 'POST'] }, async ({ method, query, body }) =>
  method === 'POST' ? await body.json() : { n: query.get('n') },
);
agent.web.action('/api/form', { methods: ['POST'] }, async ({ body }) => {
  const { fields, files } = await body.uploads();
  return { fields: fields.size, files: files.map(({ name, size }) => ({ name, size })) };
});
agent.web.action('/api/secret', { role: 'user' }, () => ({ secret: 'guarded' }));
agent.web.socket('/api/socket', (socket) => {
  socket.onMessage((message) => void socket.send(message));
});
agent.web.action('/api/memory', () => {
  globalThis.gc?.();
  return process.memoryUsage();
});
agent.on('web:listening', ({ addresses }) => process.stdout.write(`at ${addresses.join(' and ')} .\n`));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void agent.stop());
await agent.start();
