// Carries out a scripted conversation with the shadow client of aws-iot-device-sdk-v2: steps as JSON on standard input, one
// line of JSON on standard output with what came of each.
import { text } from 'node:stream/consumers';
import { newClient } from './aws-sdk-clients.mjs';

const { access, steps } = JSON.parse(await text(process.stdin));
const client = newClient(access);
await client.connect();
const shadows = client.shadows();
const thingName = access.thing ?? access.clientId;
const told = [];
let changed = () => undefined;

/** What the cloud rejects a request with. */
const rejected = (error) => ({
  rejected: error.modeledError?.code ?? String(error),
  message: error.modeledError?.message,
});

/** @type {Record<string, (...rest: any[]) => Promise<unknown>>} */
const verbs = {
  ask: (operation, request) => shadows[operation]({ thingName, ...request }).catch(rejected),
  /** The same request so many times at once; what came of each, as often as it did. */
  flood: async (times, operation, request) => {
    const all = Array.from({ length: times }, () => verbs.ask(operation, request));
    const codes = (await Promise.all(all)).map((outcome) => outcome.rejected ?? 200);
    return Object.fromEntries(
      [...new Set(codes)].map((code) => [code, codes.filter((each) => each === code).length]),
    );
  },
  listen: (kind, request) =>
    new Promise((resolve) => {
      const stream = shadows[`create${kind}Stream`]({ thingName, ...request });
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
    return told;
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
