// Carries out a scripted conversation with clients of aws-iot-device-sdk-v2: steps as JSON on standard input, one line of
// JSON on standard output with what came of each.
import { text } from 'node:stream/consumers';
import { newClient } from './aws-sdk-clients.mjs';

/** Milliseconds for one step. */
const PATIENCE = 15_000;

const { clients: accesses, steps } = JSON.parse(await text(process.stdin));
const clients = new Map();

/** @type {Record<string, (client: any, ...rest: any[]) => Promise<unknown>>} */
const verbs = {
  connect: (client) => client.connect().catch((error) => ({ refused: String(error.message ?? error) })),
  subscribe: (client, filter, qos) => client.subscribe(filter, qos),
  publish: (client, topic, payload, qos) => client.publish(topic, payload, qos),
  hear: (client, topic) => client.ear.on(topic),
  heard: async (client) => client.ear.heard.map(({ topic }) => topic),
  closed: (client) => client.closed(),
  disconnect: async (client) => client.disconnect(),
};

function clientFor(name, verb) {
  // Each connect is a client of its own: what the last one knew, only the server remembers.
  if (verb === 'connect') clients.set(name, newClient(accesses[name]));
  return clients.get(name);
}

for (const [name, verb, ...rest] of steps) {
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE, 'nothing came of it').unref());
  const outcome = await Promise.race([verbs[verb](clientFor(name, verb), ...rest), late]);
  process.stdout.write(`${JSON.stringify({ step: [name, verb, ...rest].slice(0, 3), outcome })}\n`);
}
process.stdout.write('over\n');
// The native part of the SDK keeps the process alive, and does not always end cleanly by itself.
process.exit(0);
