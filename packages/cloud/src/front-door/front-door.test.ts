import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect as connectTcp, createServer as createTcpServer } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { silentLogger, systemClock } from '@ioto/runtime';
import { callApi } from '@ioto/testkit/api-call';
import { sendRaw } from '@ioto/testkit/hostile/raw-client';
import { TempDirectory } from '@ioto/testkit/programs/temp-directory';
import { TestAuthority } from '@ioto/testkit/test-authority';
import { until } from '@ioto/testkit/until';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EmbeddedCa } from '../platform/embedded/embedded-ca.ts';
import type { ServerIdentity } from '../ports/certificate-authority.ts';
import { realHello } from './client-hello.fixture.ts';
import { FrontDoor } from './front-door.ts';
import type { FrontDoorLimits } from './tls-doors.ts';

let directory: TempDirectory;
let authority: EmbeddedCa;
let http: Server;
let door: FrontDoor;
let main: number;
let mqtt: number;
let mtls: number;
let device: { cert: string; key: string };
const accepted: TLSSocket[] = [];
const refused: string[] = [];
const renewals = new Set<(identity: ServerIdentity) => void>();

beforeAll(async () => {
  directory = await TempDirectory.create();
  authority = new EmbeddedCa({
    directory: directory.path,
    hosts: ['localhost'],
    clock: systemClock,
    logger: silentLogger,
  });
  await authority.start();
  const { certificate, key } = await authority.certifyNewKey('JT08FFQXWQ');
  device = { cert: certificate, key };
  http = createServer((request, response) => {
    const peer = (request.socket as TLSSocket).getPeerCertificate();
    response.end(JSON.stringify({ subject: peer?.subject?.CN ?? null }));
  });
  door = newDoor();
  await door.start();
  [main, mqtt, mtls] = door.ports as [number, number, number];
});

const anywhere = { host: '127.0.0.1', port: 0 };

function newDoor(limits: Partial<FrontDoorLimits> = {}): FrontDoor {
  return new FrontDoor({
    listen: anywhere,
    mqtt: anywhere,
    mtls: anywhere,
    identity: {
      serverIdentity: () => authority.serverIdentity(),
      onRenewal: (listener) => {
        renewals.add(listener);
        return () => renewals.delete(listener);
      },
    },
    behind: {
      mqtt: (stream) => accepted.push(stream as TLSSocket),
      https: (stream) => http.emit('connection', stream),
      'https-with-certificate': (stream) => http.emit('connection', stream),
    },
    clock: systemClock,
    logger: silentLogger,
    limits,
    onRefused: (reason) => refused.push(reason),
  });
}

beforeEach(() => {
  accepted.length = 0;
  refused.length = 0;
});

afterAll(async () => {
  http.closeAllConnections();
  await door.stop();
  await authority.stop();
  await directory[Symbol.asyncDispose]();
});

/** Connects and resolves the connection once the server has taken or refused it. */
function dial(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      { host: '127.0.0.1', port, servername: 'localhost', ca: authority.authority, ...options },
      () => resolve(socket),
    );
    socket.on('error', reject);
  });
}

const get = (port: number, more: object = {}) =>
  callApi({ url: `https://localhost:${port}/`, method: 'GET', authority: authority.authority, ...more });

describe('the one TLS port', () => {
  it.each(['x-amzn-mqtt-ca', 'mqtt'])('hands %s with a device certificate to MQTT', async (alpn) => {
    const socket = await dial(main, { ALPNProtocols: [alpn], ...device });
    expect(socket.alpnProtocol).toBe(alpn);
    const taken = await until('the device to be taken', () => accepted[0]);
    expect(taken.getPeerCertificate().subject.CN).toBe('JT08FFQXWQ');
    socket.destroy();
  });

  it.each([['none'], ['http/1.1'], ['http/1.1,h2']])(
    'serves HTTPS for ALPN %s, and asks for no certificate',
    async (alpn) => {
      const more = alpn === 'none' ? {} : { alpn: alpn.split(',') };
      const { cert: certificate, key } = device;
      expect((await get(main, { ...more, certificate, key })).json).toEqual({ subject: null });
    },
  );

  it('serves HTTPS with client certificate for x-amzn-http-ca', async () => {
    const { cert: certificate, key } = device;
    const answer = await get(main, { alpn: ['x-amzn-http-ca'], certificate, key });
    expect(answer.json).toEqual({ subject: 'JT08FFQXWQ' });
  });

  it('takes a ClientHello that trickles in byte by byte', async () => {
    const relay = createTcpServer((from) => {
      const to = connectTcp({ host: '127.0.0.1', port: main });
      from.on('data', async (bytes: Buffer) => {
        from.pause();
        for (const byte of bytes) {
          to.write(Buffer.from([byte]));
          if (byte % 8 === 0) await new Promise((resolve) => setImmediate(resolve));
        }
        from.resume();
      });
      to.on('data', (bytes: Buffer) => from.write(bytes));
      to.on('error', () => undefined);
      from.on('error', () => undefined);
      to.on('close', () => from.destroy());
      from.on('close', () => to.destroy());
    }).listen(0, '127.0.0.1');
    await once(relay, 'listening');
    const { port } = relay.address() as { port: number };
    expect((await get(port)).json).toEqual({ subject: null });
    relay.close();
  });
});

describe('listeners of their own', () => {
  it('speak MQTT whatever the ALPN', async () => {
    for (const ALPNProtocols of [undefined, ['http/1.1'], ['mqtt']]) {
      accepted.length = 0;
      const socket = await dial(mqtt, { ALPNProtocols, ...device });
      await until('the device to be taken', () => accepted[0]);
      socket.destroy();
    }
  });

  it('speak HTTPS with client certificate whatever the ALPN', async () => {
    const { cert: certificate, key } = device;
    for (const alpn of [undefined, ['http/1.1'], ['x-amzn-http-ca']]) {
      expect((await get(mtls, { alpn, certificate, key })).json).toEqual({ subject: 'JT08FFQXWQ' });
    }
    await expect(get(mtls)).rejects.toThrow();
  });
});

describe('strangers at the door', () => {
  it('are closed when they show no certificate to MQTT, or one of another authority', async () => {
    const other = await TestAuthority.create();
    const foreign = await other.issue({ commonName: 'JT08FFQXWQ' });
    for (const certificate of [{}, { cert: foreign.certificate, key: foreign.key }]) {
      const { end } = await sendRaw(
        { port: main, tls: { ca: authority.authority, ALPNProtocols: ['mqtt'], ...certificate } },
        { writes: ['x'] },
      );
      expect(end).toBe('closed');
    }
    expect(accepted).toHaveLength(0);
    expect(refused).toEqual(['client certificate refused', 'client certificate refused']);
  });

  it.each([
    ['plain HTTP', 'GET / HTTP/1.1\r\n\r\n'],
    ['MQTT without TLS', Buffer.from([0x10, 12, 0, 4, 77, 81, 84, 84])],
    ['a ClientHello longer than any', Buffer.from([22, 3, 1, 64, 0, 1, 1, 0, 0, 3, 3])],
  ])('are closed at once when they send %s', async (_name, bytes) => {
    const { end, received } = await sendRaw({ port: main }, { writes: [bytes] });
    expect({ end, received: received.length, refused }).toEqual({
      end: 'closed',
      received: 0,
      refused: ['malformed ClientHello'],
    });
  });

  it('are closed when they say nothing, half of something, or do not finish the handshake', async () => {
    const hurried = newDoor({ helloTimeout: 50, handshakeTimeout: 50 });
    await hurried.start();
    const port = hurried.ports[0] ?? 0;
    const hello = await realHello({ ALPNProtocols: ['mqtt'] });
    const outcomes = [];
    for (const bytes of ['', hello.subarray(0, 100), hello]) {
      outcomes.push((await sendRaw({ port }, { writes: [bytes] })).end);
    }
    expect(outcomes).toEqual(['closed', 'closed', 'closed']);
    expect(refused).toEqual(['slow ClientHello', 'slow ClientHello', 'TLS handshake failed']);
    await hurried.stop();
  });

  it('are closed when the program stops while they have said nothing', async () => {
    const other = newDoor();
    await other.start();
    const outcome = sendRaw({ port: other.ports[0] ?? 0 }, { writes: [''] });
    await until('the connection', () => refused.length === 0);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await other.stop();
    expect((await outcome).end).toBe('closed');
  });
});

describe('the certificate of the server', () => {
  it('is replaced for new connections without a restart', async () => {
    const before = (await dial(main)).getPeerCertificate().serialNumber;
    const renewed = new EmbeddedCa({
      directory: directory.at('renewed'),
      hosts: ['localhost'],
      clock: systemClock,
      logger: silentLogger,
    });
    await renewed.start();
    for (const tell of renewals) tell(await renewed.serverIdentity());
    const socket = await dial(main, { ca: renewed.authority });
    expect(socket.getPeerCertificate().serialNumber).not.toBe(before);
    for (const tell of renewals) tell(await authority.serverIdentity());
    await renewed.stop();
  });

  it('is not needed to say that a port is taken', async () => {
    const second = new FrontDoor({
      listen: { host: '127.0.0.1', port: main },
      identity: authority,
      behind: {},
      clock: systemClock,
      logger: silentLogger,
    });
    await expect(second.start()).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
    await second.stop();
  });
});
