import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { systemClock } from '@ioto/runtime';
import { TestAuthority } from '@ioto/testkit/test-authority';
import { until } from '@ioto/testkit/until';
import { afterEach, expect, it } from 'vitest';
import { SharedListener } from './shared-listener.ts';
import { TlsWorker } from './tls-worker.ts';
import type { FromWorker, Serving } from './worker-messages.ts';

const KEY = Buffer.alloc(48).toString('base64');
const MOST = 2;

const clients: Socket[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

async function serving(): Promise<Serving> {
  const authority = await TestAuthority.create();
  const { certificate, key } = await authority.issue({ commonName: 'localhost', dnsNames: ['localhost'] });
  const expires = '2100-01-01T00:00:00.000Z';
  return {
    identity: { certificate, key, authority: authority.certificate, expires },
    ticketKeys: { mqtt: KEY, https: KEY, 'https-with-certificate': KEY },
    doors: ['mqtt'],
    limits: { connections: MOST, helloTimeout: 60_000, handshakeTimeout: 60_000 },
    listeners: 1,
    core: { path: '/nowhere', secret: Buffer.alloc(32).toString('base64') },
  };
}

/** Peers that say nothing yet, and are still there. */
async function come(port: number, count: number): Promise<Socket[]> {
  const coming = Array.from({ length: count }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  clients.push(...coming);
  await Promise.all(coming.map((each) => once(each, 'connect')));
  // The worker drops those beyond its limit at once.
  await until('those too many to be dropped', () => coming.filter(({ closed }) => !closed).length <= MOST, {
    every: 5,
  });
  return coming.filter(({ closed }) => !closed);
}

it('a worker holds no more connections than it may, also over a rest, and takes others when some have ended', async () => {
  const told: FromWorker[] = [];
  const worker = new TlsWorker({
    send: (message) => void told.push(message),
    clock: systemClock,
    onDone: () => undefined,
  });
  worker.take({ type: 'serve', ...(await serving()) });
  const listen = async () => {
    const listener = await SharedListener.bind({ host: '127.0.0.1', port: 0 });
    const before = told.length;
    worker.take({ type: 'listen', listener: 0, door: 'mqtt' }, listener.handle);
    await until('it to serve', () => told.length > before);
    return listener.port;
  };
  const first = await come(await listen(), MOST + 2);
  expect(first).toHaveLength(MOST);
  worker.take({ type: 'rest' });
  const port = await listen();
  const refused = connect(port, '127.0.0.1').on('error', () => undefined);
  clients.push(refused);
  await until('one more to be dropped', () => refused.closed);
  first[0]?.destroy();
  await until('room for another', async () => {
    const next = connect(port, '127.0.0.1').on('error', () => undefined);
    clients.push(next);
    await new Promise((resolve) => setTimeout(resolve, 50));
    return !next.closed;
  });
  worker.take({ type: 'stop' });
});
