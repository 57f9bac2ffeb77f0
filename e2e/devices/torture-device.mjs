// A maker's own device program whose clock is wrong by so many milliseconds. It writes and looks at its database as it is
// asked to, over HTTP on this machine, and notes each Command that it acts on in a file.
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createAgent } from '@ioto/agent';
import { systemClock } from '@ioto/runtime';

const [config, state, skew, notes] = process.argv.slice(2);
const clock = { ...systemClock, now: () => systemClock.now() + Number(skew) };
const agent = createAgent({ config, state, clock });
agent.on('device:command', ({ id }) => appendFileSync(notes, `${id}\n`));
await agent.start();

const verbs = {
  async upsert({ model, properties }) {
    return { updated: (await agent.db.upsert(model, properties)).updated };
  },
  async remove({ model, properties }) {
    const removing = agent.db.remove(model, properties);
    const updated = agent.db.removedAt(model, properties);
    await removing;
    return { updated };
  },
  look({ model, properties }) {
    return { removedAt: agent.db.removedAt(model, properties) };
  },
  acted({ ids }) {
    return { unknown: ids.filter((id) => !agent.db.get('CommandRun', { id })) };
  },
  outbox() {
    return { size: agent.db.outbox.size, latest: agent.db.outbox.latest, phase: agent.status.phase };
  },
};

const server = createServer(async (request, response) => {
  let text = '';
  for await (const chunk of request) text += chunk;
  const question = JSON.parse(text);
  try {
    response.end(JSON.stringify(await verbs[question.verb](question)));
  } catch (error) {
    response.writeHead(400).end(JSON.stringify({ code: error.code, message: error.message }));
  }
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`asked at ${server.address().port}.\n`));
