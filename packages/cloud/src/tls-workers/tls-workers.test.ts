import { randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { type Logger, silentLogger, systemClock } from '@ioto/runtime';
import { callApi } from '@ioto/testkit/api-call';
import { sendRaw } from '@ioto/testkit/hostile/raw-client';
import { TempDirectory } from '@ioto/testkit/programs/temp-directory';
import { TestAuthority } from '@ioto/testkit/test-authority';
import { until } from '@ioto/testkit/until';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Behind } from '../front-door/tls-doors.ts';
import type { ServerIdentity } from '../ports/certificate-authority.ts';
import type { Peer } from '../ports/device-endpoint.ts';
import { TlsWorkers, type TlsWorkersOptions } from './tls-workers.ts';
import { startWorkerProcess, type WorkerProcess } from './worker-process.ts';

let directory: TempDirectory;
let authority: TestAuthority;
let identity: ServerIdentity;
let device: { cert: string; key: string };
let http: Server;
let workers: TlsWorkers;
let main: number;
const taken: { stream: Duplex; peer: Peer }[] = [];
const clients: TLSSocket[] = [];
const refused: string[] = [];
const lines: string[] = [];
const processes: WorkerProcess[] = [];
const renewals = new Set<(identity: ServerIdentity) => void>();

const anywhere = { host: '127.0.0.1', port: 0 };
const logger: Logger = { ...silentLogger, info: (_facts, message) => lines.push(message) };

async function newIdentity(): Promise<ServerIdentity> {
  const { certificate, key } = await authority.issue({ commonName: 'localhost', dnsNames: ['localhost'] });
  return { certificate, key, authority: authority.certificate, expires: '2100-01-01T00:00:00.000Z' };
}

const behind: Behind = {
  mqtt: (stream, peer) => {
    stream.on('error', () => undefined);
    taken.push({ stream, peer });
  },
  https: (stream) => http.emit('connection', stream),
  'https-with-certificate': (stream) => http.emit('connection', stream),
};

function newWorkers(more: Partial<TlsWorkersOptions> = {}): TlsWorkers {
  return new TlsWorkers({
    ...{ count: 2, directory: directory.path, behind, clock: systemClock, logger },
    ...{ listen: anywhere, mqtt: anywhere, mtls: anywhere },
    identity: {
      serverIdentity: async () => identity,
      onRenewal: (listener) => {
        renewals.add(listener);
        return () => renewals.delete(listener);
      },
    },
    startWorker: (events) => {
      const process = startWorkerProcess(events, ['--conditions=source', '--import', 'tsx']);
      processes.push(process);
      return process;
    },
    onRefused: (reason) => refused.push(reason),
    ...more,
  });
}

async function stop(which: TlsWorkers): Promise<void> {
  await which.stop();
  http.closeAllConnections();
  for (const { stream } of taken) stream.destroy();
  await which.processes.stop();
}

beforeAll(async () => {
  directory = await TempDirectory.create();
  authority = await TestAuthority.create();
  identity = await newIdentity();
  const { certificate, key } = await authority.issue({ commonName: 'JT08FFQXWQ' });
  device = { cert: certificate, key };
  http = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.end(JSON.stringify({ address: request.socket.remoteAddress })));
  });
  workers = newWorkers();
  await workers.processes.start(new AbortController().signal);
  await workers.start();
  [main] = workers.ports as [number];
});

beforeEach(() => {
  refused.length = 0;
  taken.length = 0;
  lines.length = 0;
});

afterEach(() => {
  for (const { stream } of taken) stream.destroy();
  for (const client of clients.splice(0)) client.destroy();
});

afterAll(async () => {
  await stop(workers);
  await directory[Symbol.asyncDispose]();
});

function dial(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const ca = authority.certificate;
    const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca, ...options }, () =>
      resolve(socket),
    );
    clients.push(socket);
    socket.on('error', reject);
  });
}

/** A device that has come through to MQTT, and both ends of its connection. */
async function connected(port = main): Promise<{ client: TLSSocket; stream: Duplex; peer: Peer }> {
  const before = taken.length;
  const client = await dial(port, { ALPNProtocols: ['mqtt'], ...device });
  client.on('error', () => undefined);
  const { stream, peer } = await until('the device to be taken', () => taken[before]);
  return { client, stream, peer };
}

const get = (port: number, more: object = {}) =>
  callApi({ url: `https://localhost:${port}/`, method: 'GET', authority: authority.certificate, ...more });

/** Serial number of the certificate that the server shows. */
async function serialShown(): Promise<string> {
  const socket = await dial(main);
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

/** Writes until nothing more is taken for a while, and says how many bytes that were. */
async function writeUntilFull(stream: Duplex): Promise<number> {
  let written = 0;
  const begun = Date.now();
  for (let full = 0; full < 10 && Date.now() - begun < 10_000; ) {
    if (stream.writableNeedDrain) full += 1;
    else {
      full = 0;
      written += 65_536;
      stream.write(Buffer.alloc(65_536, 'x'));
    }
    await new Promise((resolve) => setTimeout(resolve, stream.writableNeedDrain ? 20 : 0));
  }
  return written;
}

describe('TLS in worker processes', () => {
  it('leads to the same doors, with what is known of the peer', async () => {
    const [, mqtt = 0, mtls = 0] = workers.ports;
    const { serialNumber } = new X509Certificate(device.cert);
    for (const port of [main, mqtt]) {
      const { peer } = await connected(port);
      const certificate = { deviceId: 'JT08FFQXWQ', serial: serialNumber.toLowerCase() };
      expect(peer).toMatchObject({ remoteAddress: '127.0.0.1', certificate });
    }
    const { cert: certificate, key } = device;
    expect((await get(main)).json).toEqual({ address: '127.0.0.1' });
    expect((await get(mtls, { certificate, key })).json).toEqual({ address: '127.0.0.1' });
    await expect(get(mtls)).rejects.toThrow();
    await until('that to be counted', () => refused.includes('client certificate refused'));
  });

  it('counts and logs whom it refuses, as without workers', async () => {
    const stranger = await (await TestAuthority.create()).issue({ commonName: 'JT08FFQXWQ' });
    const tls = { ca: authority.certificate, ALPNProtocols: ['mqtt'] };
    const foreign = { ...tls, cert: stranger.certificate, key: stranger.key };
    expect((await sendRaw({ port: main, tls: foreign }, { writes: ['x'] })).end).toBe('closed');
    expect((await sendRaw({ port: main }, { writes: ['GET / HTTP/1.1\r\n\r\n'] })).end).toBe('closed');
    await until('both to be counted', () => refused.length === 2);
    expect(refused.sort()).toEqual(['client certificate refused', 'malformed ClientHello']);
    expect(lines).toEqual(['client certificate refused']);
    expect(taken).toEqual([]);
  });

  it('carries much in both directions, and every byte', async () => {
    const { client, stream } = await connected();
    stream.pipe(stream);
    const sent = Buffer.concat([Buffer.from('begins'), randomBytes(3_000_000)]);
    const back: Buffer[] = [];
    client.on('data', (bytes: Buffer) => back.push(bytes));
    client.write(sent);
    await until('all to come back', () => back.reduce((sum, { length }) => sum + length, 0) >= sent.length);
    expect(Buffer.concat(back).equals(sent)).toBe(true);
  });

  it('keeps little of what a client does not take, and serves the others', async () => {
    const { stream } = await connected();
    expect(await writeUntilFull(stream)).toBeLessThan(16 * 1024 * 1024);
    const others = await Promise.all(Array.from({ length: 8 }, () => get(main)));
    expect(others.map(({ status }) => status)).toEqual(others.map(() => 200));
  });

  it('ends a connection on both sides, whichever ends it, and however', async () => {
    for (const end of ['end', 'destroy'] as const) {
      const first = await connected();
      first.stream.resume();
      first.client[end]();
      await once(first.stream, 'close');
      const second = await connected();
      second.client.resume();
      second.stream[end]();
      await once(second.client, 'close');
    }
  });

  it('lets a client resume its session with whichever worker takes it', async () => {
    const first = await dial(main, { maxVersion: 'TLSv1.2' });
    const session = first.getSession();
    first.destroy();
    for (let again = 0; again < 12; again += 1) {
      const socket = await dial(main, { maxVersion: 'TLSv1.2', session });
      expect(socket.isSessionReused()).toBe(true);
      socket.destroy();
    }
  });
});

describe('a worker that is killed', () => {
  it('takes only its own connections along, and is replaced', async () => {
    await until('the connections before to be forgotten', () =>
      workers.connections.every((count) => count === 0),
    );
    const all: TLSSocket[] = [];
    await until('both to have some', async () => {
      const client = await dial(main, { ALPNProtocols: ['mqtt'], ...device });
      client.on('error', () => undefined);
      client.resume();
      all.push(client);
      return workers.connections.every((count) => count > 0);
    });
    await until('all to be taken', () => taken.length === all.length);
    const { restarts } = workers;
    processes[0]?.kill();
    await until('another in its place', () => workers.restarts === restarts + 1 && workers.serving === 2);
    const gone = all.filter(({ destroyed }) => destroyed).length;
    expect(gone).toBeGreaterThan(0);
    expect(gone).toBeLessThan(all.length);
    await until('the core to see it', () => taken.filter(({ stream }) => stream.destroyed).length === gone);
    for (let again = 0; again < 8; again += 1) expect((await get(main)).status).toBe(200);
    for (const client of all) client.destroy();
  });
});

describe('a crowd that one worker takes alone', () => {
  it('makes it rest until the other has its share', async () => {
    const own = newWorkers({ directory: undefined });
    await own.processes.start(new AbortController().signal);
    await own.start();
    const port = own.ports[0] ?? 0;
    const second = processes.at(-1);
    const connectMany = (count: number) =>
      Promise.all(
        Array.from({ length: count }, async () => {
          const client = await dial(port, { ALPNProtocols: ['mqtt'], ...device });
          client.on('error', () => undefined);
          client.resume();
        }),
      );
    // While it is the only one.
    second?.kill();
    await connectMany(120);
    await until('the other to be back', () => own.serving === 2);
    await until('it to rest', () => own.connections[0] === 120);
    await connectMany(40);
    await until('the other to have them', () => own.connections[1] === 40);
    expect(own.connections[0]).toBe(120);
    await stop(own);
  });
});

describe('a renewed certificate', () => {
  it('is shown by every worker, and by those that come later', async () => {
    identity = await newIdentity();
    const { serialNumber } = new X509Certificate(identity.certificate);
    for (const tell of renewals) tell(identity);
    await until('it to be shown', async () => (await serialShown()) === serialNumber);
    const serials = new Set<string>();
    for (let again = 0; again < 12; again += 1) serials.add(await serialShown());
    expect([...serials]).toEqual([serialNumber]);
    const { restarts } = workers;
    for (const process of processes) process.kill();
    await until('others', () => workers.restarts === restarts + 2 && workers.serving === 2);
    expect(await serialShown()).toBe(serialNumber);
  });
});

describe('a front door with workers', () => {
  it('that finds its port taken says so, and leaves no process behind', async () => {
    const before = processes.length;
    const second = newWorkers({ listen: { host: '127.0.0.1', port: main }, directory: undefined });
    await second.processes.start(new AbortController().signal);
    await expect(second.start()).rejects.toMatchObject({ code: 'LISTEN_FAILED', message: /127\.0\.0\.1/ });
    await second.stop();
    await second.processes.stop();
    expect(processes.length).toBe(before + 2);
    expect(second.serving).toBe(0);
  });

  it('holds no more connections than one process would, and refuses doors with nothing behind', async () => {
    const small = newWorkers({
      limits: { connections: 4 },
      directory: undefined,
      behind: { mqtt: behind.mqtt },
    });
    await small.processes.start(new AbortController().signal);
    await small.start();
    const port = small.ports[0] ?? 0;
    await expect(get(port)).rejects.toThrow();
    await until('it to be counted', () => refused.includes('no device cloud here'));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 12 }, () => dial(port, { ALPNProtocols: ['mqtt'], ...device })),
    );
    const open = outcomes.filter(({ status }) => status === 'fulfilled').length;
    expect(open).toBeGreaterThan(0);
    expect(open).toBeLessThanOrEqual(4);
    await stop(small);
  });

  it('that stops takes no more connections, and lets those that are there come to their end', async () => {
    const own = newWorkers({ directory: undefined });
    await own.processes.start(new AbortController().signal);
    await own.start();
    const port = own.ports[0] ?? 0;
    const { client, stream } = await connected(port);
    let heard = '';
    client.on('data', (bytes) => {
      heard += bytes;
    });
    await own.stop();
    await expect(dial(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    stream.end('goodbye');
    stream.resume();
    await own.processes.stop();
    await until('the end', () => client.destroyed);
    expect(heard).toBe('goodbye');
    expect(own.serving).toBe(0);
  });
});
