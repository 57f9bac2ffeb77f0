import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  connectPacket,
  freePort,
  publishPacket,
  type RawOutcome,
  sendRaw,
  subscribePacket,
} from '@ioto/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { World } from './world.ts';

/** One cloud for all strangers, and one honest device that must not notice any of them. */
let world: World;
let mqttPort: number;
let mtlsPort: number;
let honest: Awaited<ReturnType<World['connectedDevice']>>;
let certificate: string;
let key: string;

beforeAll(async () => {
  mqttPort = await freePort();
  mtlsPort = await freePort();
  world = await World.create({
    args: ['--mqtt', `127.0.0.1:${mqttPort}`, '--mtls', `127.0.0.1:${mtlsPort}`],
  });
  honest = await world.connectedDevice();
  const victim = await world.connectedDevice();
  certificate = await readFile(`${victim.device.state}/certs/ioto.crt`, 'utf8');
  key = await readFile(`${victim.device.state}/certs/ioto.key`, 'utf8');
  await victim.program.kill();
  victimId = victim.id;
});
let victimId: string;

afterAll(() => world?.[Symbol.asyncDispose]());

afterEach(async () => {
  expect(world.cloud.program.exit).toBeUndefined();
  const { status } = await world.cloud.call('/../healthz', { method: 'GET' });
  expect(status).toBe(200);
  expect(honest.program.exit).toBeUndefined();
  expect((await world.show(honest.id)).connection).toBe('online');
});

const https = () => ({ port: world.cloud.port, tls: { ca: world.cloud.authority } });
const mqtt = (alpn = 'x-amzn-mqtt-ca') => ({
  port: world.cloud.port,
  tls: { ca: world.cloud.authority, cert: certificate, key, ALPNProtocols: [alpn] },
});

function statusOf({ received }: RawOutcome): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(received.toString('latin1'))?.[1] ?? 0);
}

const answered = (received: Buffer) => received.includes('\r\n\r\n');

/** A TLS record that claims more than it has. */
const lyingHello = Buffer.concat([
  Buffer.from([22, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc, 3, 3]),
  randomBytes(32),
  Buffer.from([255]),
]);

describe('over bare TCP', () => {
  it.each([
    ['plain HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
    ['64 KB of noise', Buffer.concat([Buffer.from([0]), randomBytes(65_535)])],
    ['an SSLv2 hello', Buffer.from('80180100020015000000100100800200800600400400800700c0', 'hex')],
    ['a TLS alert', Buffer.from([21, 3, 3, 0, 2, 2, 40])],
    ['a record of forbidden length', Buffer.concat([Buffer.from([22, 3, 1, 0xff, 0xff]), randomBytes(4096)])],
    [
      'a ClientHello of 64 KB',
      Buffer.concat([Buffer.from([22, 3, 1, 0x3f, 0xff, 1, 0, 0xff, 0xff, 3, 3]), randomBytes(65_000)]),
    ],
    ['bare MQTT', connectPacket('JT08FFQXWQ')],
  ])('%s is turned away', async (_name, bytes) => {
    for (const port of [world.cloud.port, mqttPort, mtlsPort]) {
      const outcome = await sendRaw({ port }, { writes: [bytes] });
      expect(outcome.end).toBe('closed');
      expect(outcome.received.length).toBeLessThan(512);
    }
  });

  it('200 connections that say nothing, or half a ClientHello, keep nobody waiting', async () => {
    const strangers = Array.from({ length: 200 }, (_, index) =>
      sendRaw({ port: world.cloud.port }, { writes: [index % 2 ? lyingHello : ''], patience: 1500 }),
    );
    const started = Date.now();
    expect((await world.cloud.call('/../healthz', { method: 'GET' })).status).toBe(200);
    expect(Date.now() - started).toBeLessThan(1000);
    await Promise.all(strangers);
  });

  it('TLS older than 1.2 is not spoken', async () => {
    const outcome = await sendRaw(
      {
        port: world.cloud.port,
        tls: {
          ca: world.cloud.authority,
          minVersion: 'TLSv1.1',
          maxVersion: 'TLSv1.1',
          ciphers: 'DEFAULT@SECLEVEL=0',
        },
      },
      { writes: ['x'] },
    );
    expect(outcome.end).toBe('closed');
    expect(outcome.error).toBeDefined();
  });
});

describe('over HTTPS', () => {
  const post = (path: string, body: string | Buffer, headers = '') =>
    sendRaw(https(), {
      writes: [
        Buffer.concat([
          Buffer.from(
            `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${headers}` +
              `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`,
          ),
          Buffer.from(body),
        ]),
      ],
      enough: answered,
    });

  it.each([
    ['no HTTP at all', 'HELO example.com\r\n\r\n', [400]],
    ['a request line without end', `GET /${'a'.repeat(40_000)}`, [400, 414, 431]],
    ['headers of 40 KB', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`, [431]],
    [
      'two lengths',
      'POST /api/device/register HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}',
      [400],
    ],
    [
      'a length and chunks',
      'POST /api/device/register HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      [400],
    ],
    [
      'a bad chunk',
      'POST /api/device/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      [400],
    ],
    ['a header with a line break in it', 'GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n', [400]],
    ['a malformed URL', 'GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n', [400, 404]],
  ])('%s is refused', async (_name, text, statuses) => {
    const outcome = await sendRaw(https(), { writes: [text], enough: answered });
    expect(statuses).toContain(statusOf(outcome));
  });

  const paths = ['/api/device/register', '/api/tok/device/provision', '/api/device/claim', '/api/cloud/bind'];
  it.each(paths)('malformed JSON to %s is refused with a reason', async (path) => {
    for (const body of [
      '{',
      '[1,',
      'nonsense',
      '"\ud800',
      '{"id":{"$ne":1}}',
      '{"__proto__":{"id":1}}',
      'null',
      '[]',
    ]) {
      const outcome = await post(path, body);
      expect([400, 401, 403]).toContain(statusOf(outcome));
      expect(outcome.received.toString()).toMatch(/"error"|Authentication failed/);
    }
  });

  it.each(paths)('a body over the limit to %s is refused before it is read whole', async (path) => {
    const outcome = await sendRaw(https(), {
      writes: [
        `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500000000\r\n\r\n`,
        Buffer.alloc(100_000, 0x20),
      ],
      enough: answered,
    });
    expect([401, 413]).toContain(statusOf(outcome));
  });

  it('JSON nested a hundred thousand times is refused', async () => {
    const outcome = await post(
      '/api/device/register',
      `{"id":"JT08FFQXWQ","x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
      `Authorization: bearer ${world.product}\r\n`,
    );
    expect([400, 413]).toContain(statusOf(outcome));
  });

  it('a registration whose fields are of the wrong kind or size is refused', async () => {
    const id = 'JT08FFQXWQ';
    for (const body of [
      { id: 42 },
      { id: '' },
      { id: 'short' },
      { id: 'jt08ffqxwq' },
      { id: 'JT08FFQXWI' },
      { id: 'JT08FFQXWQJT08FFQXWQ0' },
      { id: '../../../etc' },
      { id: `${id}\u0000` },
      { id, name: { a: 1 } },
      { id, name: 'x'.repeat(300_000) },
      { id, wait: -1 },
      { id, wait: 'forever' },
      { id, publicKey: 'nonsense' },
    ]) {
      const { status } = await world.cloud.call('/device/register', { bearer: world.product, body });
      expect([400, 413], JSON.stringify(body).slice(0, 60)).toContain(status);
    }
  });

  it('an Authorization header of any shape is answered with 401', async () => {
    for (const header of [
      '',
      'bearer',
      'bearer ',
      'Basic eDp5',
      `bearer ${'x'.repeat(9000)}`,
      'bearer ..',
      'bearer \u00ff\u00fe',
    ]) {
      const { status } = await world.cloud.call('/device/claim', {
        headers: { authorization: Buffer.from(header).toString('latin1') },
        body: { id: 'JT08FFQXWQ' },
      });
      expect([400, 401]).toContain(status);
    }
  });

  it('300 requests that come a byte at a time keep nobody waiting', async () => {
    const slow = Array.from({ length: 300 }, () =>
      sendRaw(https(), {
        writes: ['POST /api/device/register HT', 'T', 'P', '/'],
        pause: 300,
        patience: 300,
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, 700));
    const started = Date.now();
    expect((await world.cloud.call('/../healthz', { method: 'GET' })).status).toBe(200);
    expect(Date.now() - started).toBeLessThan(1500);
    await Promise.all(slow);
  });
});

describe('over MQTT with a device certificate', () => {
  const greeting = () => connectPacket(victimId);
  /** CONNACK with return code 0, whatever it says of a session. */
  const admitted = ({ received }: RawOutcome) =>
    received[0] === 0x20 && received[1] === 2 && received[3] === 0;

  it.each<[string, () => Buffer[]]>([
    ['noise before CONNECT', () => [Buffer.concat([Buffer.from([0xf0]), randomBytes(200)])]],
    ['HTTP in place of MQTT', () => [Buffer.from(`GET /${'x'.repeat(100)} HTTP/1.1\r\n\r\n`)]],
    ['PUBLISH before CONNECT', () => [publishPacket('ioto/service/x/test/ping', '{}', 1)]],
    ['a CONNECT that claims 256 MB', () => [Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f])]],
    ['a length of five bytes', () => [Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 0x01])]],
    [
      'a CONNECT of another protocol',
      () => [Buffer.from([0x10, 12, 0, 4, 0x58, 0x58, 0x58, 0x58, 4, 0, 0, 60, 0, 0])],
    ],
    ['a CONNECT with the reserved flag', () => [flagged(1)]],
    ['a CONNECT with a will of QoS 3', () => [flagged(0x1c)]],
    ['a CONNECT cut short', () => [Buffer.from([0x10, 4, 0, 4, 0x4d, 0x51])]],
    ['a CONNECT of an empty client ID with a session to keep', () => [connectPacket('')]],
    ['the client ID of another device', () => [connectPacket(honest.id)]],
    ['a client ID with a wildcard', () => [connectPacket('ioto/#')]],
  ])('%s is refused without CONNACK 0', async (_name, writes) => {
    const outcome = await sendRaw(mqtt(), { writes: writes() });
    expect(outcome.end).toBe('closed');
    expect(admitted(outcome)).toBe(false);
  });

  it.each<[string, () => Buffer]>([
    ['a second CONNECT', greeting],
    ['a packet of the reserved type 0', () => Buffer.from([0x00, 0])],
    ['a packet of type 15', () => Buffer.from([0xf0, 0])],
    ['a packet that only servers send', () => Buffer.from([0x90, 3, 0, 1, 0])],
    ['PUBLISH of QoS 3', () => Buffer.from([0x36, 5, 0, 1, 0x61, 0, 1])],
    ['PUBLISH to a topic with a wildcard', () => publishPacket(`ioto/service/${victimId}/#`, '{}', 1)],
    ['PUBLISH to an empty topic', () => publishPacket('', '{}', 1)],
    ['PUBLISH with packet ID 0', () => publishPacket(`ioto/service/${victimId}/test/ping`, '{}', 0)],
    ['PUBLISH with a topic that is not UTF-8', () => Buffer.from([0x30, 4, 0, 2, 0xc3, 0x28])],
    ['PUBLISH with a topic longer than the packet', () => Buffer.from([0x30, 4, 0xff, 0xff, 0x61, 0x61])],
    ['PUBLISH of 200 MB', () => Buffer.from([0x30, 0x80, 0x80, 0x80, 0x64, 0, 1, 0x61])],
    ['SUBSCRIBE without a filter', () => Buffer.from([0x82, 2, 0, 1])],
    ['SUBSCRIBE with wrong flags', () => Buffer.from([0x80, 6, 0, 1, 0, 1, 0x61, 0])],
    ['SUBSCRIBE with packet ID 0', () => subscribePacket(0, `ioto/device/${victimId}/#`)],
    ['PINGREQ with a body', () => Buffer.from([0xc0, 1, 0])],
  ])('%s ends the connection', async (_name, bytes) => {
    const outcome = await sendRaw(mqtt(), { writes: [greeting(), bytes()], pause: 50 });
    expect(admitted(outcome)).toBe(true);
    expect(outcome.end).toBe('closed');
  });

  it.each([
    ['noise', randomBytes(300).toString('latin1')],
    ['an array', '[]'],
    ['null', 'null'],
    ['changes that are no list', '{"seq":1,"changes":7}'],
    ['a change without item', '{"seq":1,"changes":[{"cmd":"create","key":"s#a"}]}'],
    [
      'an unknown command',
      '{"seq":1,"changes":[{"cmd":"drop","key":"s#a","item":{"_type":"Store","sk":"s#a"}}]}',
    ],
    [
      'an unknown model',
      '{"seq":1,"changes":[{"cmd":"upsert","key":"x#a","item":{"_type":"User","sk":"x#a"}}]}',
    ],
    ['a prototype', '{"seq":1,"changes":[{"cmd":"upsert","key":"s#a","item":{"__proto__":{"admin":true}}}]}'],
    ['deep nesting', `{"seq":1,"changes":${'['.repeat(30_000)}`],
  ])('a sync message that is %s harms nobody', async (_name, payload) => {
    const topic = `$aws/rules/IotoDevice/ioto/service/${victimId}/db/syncToDynamo`;
    await sendRaw(mqtt(), {
      writes: [greeting(), publishPacket(topic, payload, 1)],
      pause: 50,
      patience: 200,
    });
    // The cloud must still serve the same device.
    const again = await sendRaw(mqtt(), { writes: [greeting()], enough: (received) => received.length >= 4 });
    expect(again.received.readUInt8(3)).toBe(0);
  });

  it('a message over the limit ends the connection, and is not stored', async () => {
    const topic = `$aws/rules/IotoDevice/ioto/service/${victimId}/store/set`;
    const payload = JSON.stringify({ key: 'big', value: 'x'.repeat(600_000), type: 'string' });
    const outcome = await sendRaw(mqtt(), {
      writes: [greeting(), publishPacket(topic, payload, 1)],
      pause: 50,
    });
    expect(outcome.end).toBe('closed');
  });

  it('is refused on the main port without a certificate, and over --mqtt whatever the ALPN', async () => {
    const { ca } = https().tls;
    for (const port of [world.cloud.port, mqttPort]) {
      const outcome = await sendRaw({ port, tls: { ca, ALPNProtocols: ['mqtt'] } }, { writes: [greeting()] });
      expect(outcome.end).toBe('closed');
      expect(admitted(outcome)).toBe(false);
    }
    for (const ALPNProtocols of [undefined, ['mqtt'], ['x-amzn-mqtt-ca']]) {
      const outcome = await sendRaw(
        { port: mqttPort, tls: { ca, cert: certificate, key, ALPNProtocols } },
        { writes: [greeting()], enough: (received) => received.length >= 4 },
      );
      expect(admitted(outcome)).toBe(true);
    }
  });
});

describe('to the web server of a device', () => {
  it.each([
    ['no HTTP at all', 'HELO\r\n\r\n'],
    ['headers of 100 KB', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`],
    ['a path out of the site', 'GET /../../certs/ioto.key HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['an encoded path out of the site', 'GET /%2e%2e/%2e%2e/certs/ioto.key HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a path with a zero byte', 'GET /index%00.html HTTP/1.1\r\nHost: x\r\n\r\n'],
    [
      'a body nobody asked for',
      `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000000\r\n\r\n${'x'.repeat(100_000)}`,
    ],
  ])('%s is refused and gives nothing away', async (_name, text) => {
    const port = Number((await honest.program.waitFor(/127\.0\.0\.1:(\d+)/))[1]);
    const outcome = await sendRaw({ port }, { writes: [text], enough: answered });
    expect(statusOf(outcome)).toBeGreaterThanOrEqual(400);
    expect(statusOf(outcome)).toBeLessThan(500);
    expect(outcome.received.toString()).not.toMatch(/PRIVATE KEY|at .*\.js/);
    const fine = await sendRaw({ port }, { writes: ['GET / HTTP/1.1\r\nHost: x\r\n\r\n'], enough: answered });
    expect(statusOf(fine)).toBe(200);
  });
});

/** CONNECT of the victim with these flags. */
function flagged(flags: number): Buffer {
  const bytes = Buffer.from(connectPacket(victimId));
  bytes[9] = flags;
  return bytes;
}
