// Carries out a scripted conversation with the jobs and the identity client of aws-iot-device-sdk-v2: steps as JSON on standard
// input, one line of JSON on standard output with what came of each.
import { text } from 'node:stream/consumers';
import { newClient } from './aws-sdk-clients.mjs';

const { access, steps } = JSON.parse(await text(process.stdin));
const client = newClient(access);
await client.connect();
const thingName = access.clientId;
const clients = { jobs: client.jobs(), identity: client.identity() };
const told = [];
let changed = () => undefined;

/** What the cloud rejects a request with. */
const rejected = (error) => ({ rejected: error.modeledError ?? String(error) });

/** @type {Record<string, (...rest: any[]) => Promise<unknown>>} */
const verbs = {
  jobs: (operation, request) => clients.jobs[operation]({ thingName, ...request }).catch(rejected),
  identity: (operation, request) => clients.identity[operation](request).catch(rejected),
  /** The same request so many times at once; how often each came of it. */
  flood: async (times, operation, request) => {
    const all = await Promise.all(Array.from({ length: times }, () => verbs.jobs(operation, request)));
    const codes = all.map((outcome) => outcome.rejected?.code ?? 'accepted');
    const count = (code) => codes.filter((each) => each === code).length;
    return Object.fromEntries([...new Set(codes)].map((code) => [code, count(code)]));
  },
  listen: (kind) =>
    new Promise((resolve) => {
      const stream = clients.jobs[`create${kind}Stream`]({ thingName });
      stream.on('incomingPublish', ({ message }) => {
        told.push([kind, message]);
        changed();
      });
      stream.on('subscriptionStatus', ({ type, error }) => resolve(error ? String(error) : type));
      stream.open();
    }),
  /** What was told so far, once there are so many. */
  told: async (count) => {
    while (told.length < count) await new Promise((resolve) => (changed = () => resolve(undefined)));
    return told.splice(0);
  },
  /** A message that the clients would not send, and the answer that it is rejected with. */
  raw: async (topic, payload) => {
    const answer = `${topic}/rejected`;
    await client.subscribe(answer, 1);
    await client.publish(topic, payload, 1);
    return JSON.parse(await client.ear.on(answer));
  },
};

for (const [verb, ...rest] of steps) {
  const late = new Promise((resolve) => setTimeout(resolve, 15_000, 'nothing came of it').unref());
  const outcome = await Promise.race([verbs[verb](...rest), late]);
  process.stdout.write(`${JSON.stringify(outcome ?? null)}\n`);
}
process.stdout.write('over\n');
// The native part of the SDK keeps the process alive.
process.exit(0);
