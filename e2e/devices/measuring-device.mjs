// A maker's own device program without a database, which uses its store and its metrics as a test asks it to, over HTTP.
import { createServer } from 'node:http';
import { createAgent } from '@ioto/agent';

const [config, state] = process.argv.slice(2);
const agent = createAgent({ config, state });
agent.on('mqtt:connected', () => process.stdout.write('connected.\n'));
await agent.start();

const server = createServer(async (request, response) => {
  let text = '';
  for await (const chunk of request) text += chunk;
  const { part, verb, given } = JSON.parse(text);
  try {
    response.end(JSON.stringify((await agent[part][verb](...given)) ?? null));
  } catch (error) {
    response.writeHead(400).end(JSON.stringify({ code: error.code, message: error.message }));
  }
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`asked at ${server.address().port}.\n`));
