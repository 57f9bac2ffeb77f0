import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { FrontDoor, type FrontDoorOptions, LmdbSessionStore, TlsWorkers } from '@ioto/cloud/endpoint';
import { MqttServer } from '@ioto/mqtt';
import { silentLogger, systemClock } from '@ioto/runtime';
import { instructions, listen } from './listening.ts';
import { WORKER_CORES } from './server.ts';

/** Our endpoint as the cloud puts it together, with everybody let in and no limit that others do not have. */
const { pems, options } = await instructions<{ sessions?: string; workers?: number }>();
const common = { clock: systemClock, logger: silentLogger };
const store = options.sessions
  ? new LmdbSessionStore({ directory: options.sessions, logger: silentLogger })
  : undefined;
await store?.start();
const server = new MqttServer<string>({
  ...common,
  ...(store ? { store } : {}),
  limits: {
    maxPublishRate: Number.POSITIVE_INFINITY,
    maxSubscribeRate: Number.POSITIVE_INFINITY,
    maxInFlight: 65_535,
    maxQueuedMessages: 1_000_000,
    maxQueuedBytes: 2 ** 30,
    maxRetainedMessages: 1_000_000,
    maxPendingConnections: 100_000,
    maxSubscriptions: 1_000_000,
  },
  hooks: {
    authenticate: async ({ clientId }) => ({ accept: true, principal: clientId }),
    mayPublish: () => true,
    maySubscribe: () => true,
    received: () => undefined,
  },
});
await server.start();
const tcp = await listen(
  createServer({ noDelay: true }, (socket) => server.accept(socket, { remoteAddress: '127.0.0.1' })),
);
const identity = { ...pems, expires: '2100-01-01T00:00:00.000Z' };
const atTheDoor: FrontDoorOptions = {
  listen: { host: '127.0.0.1', port: 0 },
  identity: { serverIdentity: async () => identity, onRenewal: () => () => undefined },
  behind: { mqtt: (stream, { remoteAddress }) => server.accept(stream, { remoteAddress }) },
  ...common,
};
const { door, workers } = await (options.workers ? workersDoor(options.workers) : ownDoor());
process.send?.({ tcp, tls: door.ports[0], workers });

async function ownDoor() {
  const door = new FrontDoor(atTheDoor);
  await door.start();
  return { door, workers: [] };
}

async function workersDoor(count: number) {
  const door = new TlsWorkers({ ...atTheDoor, count });
  await door.processes.start(new AbortController().signal);
  await door.start();
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8');
  const workers = children.trim().split(' ').map(Number);
  for (const pid of workers) spawnSync('taskset', ['-pac', WORKER_CORES, String(pid)]);
  return { door, workers };
}
