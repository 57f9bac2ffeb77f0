import { request } from 'node:https';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { callApi } from '@ioto/testkit/api-call';
import { sendRaw } from '@ioto/testkit/hostile/raw-client';
import { connectPacket } from '@ioto/testkit/old-agent/packets';
import { until } from '@ioto/testkit/until';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { CredentialAnswer } from '../credentials/credential-desk.ts';
import { CloudWorld, type WorldDevice } from './cloud-world.fixture.ts';

let world: CloudWorld;
let accountId: string;
let device: WorldDevice;
let keys: CredentialAnswer;

beforeAll(async () => {
  world = await CloudWorld.create({
    limits: {
      webSocket: { message: 64 * 1024, closeTimeout: 50 },
      http: { headersTimeout: 300, checkEvery: 50 },
    },
  });
  accountId = await world.account();
  device = await world.device(accountId);
  keys = await world.deviceCredentials(device);
});
afterAll(() => world?.[Symbol.asyncDispose]());

interface Opened {
  socket: WebSocket;
  received: Buffer[];
  closed: Promise<{ code: number }>;
}

/** A WebSocket that a test speaks frame by frame. */
function open(url: string, protocols: string | string[] = 'mqtt', more: object = {}): Promise<Opened> {
  const socket = new WebSocket(url, protocols, { ca: world.cloud.place().authority, ...more });
  const received: Buffer[] = [];
  socket.on('message', (bytes: Buffer) => received.push(bytes));
  const closed = new Promise<{ code: number }>((resolve) => socket.on('close', (code) => resolve({ code })));
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve({ socket, received, closed }));
    socket.on('unexpected-response', (_request, response) => {
      response.resume();
      reject(new Error(`${response.statusCode} ${response.headers['x-amzn-errortype']}`));
    });
    socket.on('error', reject);
  });
}

/** With or without a session; nobody is refused. */
const CONNACK = /^20020[01]00/;
const connack = (opened: Opened) =>
  until('a CONNACK', () => Buffer.concat(opened.received).toString('hex').match(CONNACK)?.[0]);

async function connected(): Promise<Opened> {
  const opened = await open(await world.presigned(keys));
  opened.socket.send(connectPacket(device.id));
  await connack(opened);
  return opened;
}

/** Everything that a refusal says: status and error type. */
async function refusal(url: string, protocols?: string | string[], more?: object): Promise<string> {
  return open(url, protocols, more).then(
    () => 'opened',
    (error: Error) => error.message,
  );
}

describe('MQTT over WebSocket', () => {
  it('is spoken on the main port with a signed URL, in the subprotocol that was offered [MQTT-6.0.0-4]', async () => {
    for (const protocol of ['mqtt', 'mqttv3.1']) {
      const { socket } = await open(await world.presigned(keys), ['chat', protocol]);
      expect(socket.protocol).toBe(protocol);
      socket.terminate();
    }
  });

  it('is spoken for a signed header', async () => {
    const url = new URL(await world.presigned(keys, { service: 'iotdata' }));
    url.search = '';
    const { AwsV4Signer } = await import('aws4fetch');
    const signer = new AwsV4Signer({
      ...{ url: url.toString().replace('wss', 'https'), method: 'GET', service: 'iotdata', region: 'local' },
      ...{
        accessKeyId: keys.accessKeyId,
        secretAccessKey: keys.secretAccessKey,
        sessionToken: keys.sessionToken,
      },
    });
    const headers = Object.fromEntries([...(await signer.sign()).headers]);
    const opened = await open(url.toString(), 'mqtt', { headers });
    opened.socket.send(connectPacket(device.id));
    await connack(opened);
    opened.socket.terminate();
  });

  it('takes packets that span frames, and frames that hold several [MQTT-6.0.0-2]', async () => {
    const opened = await open(await world.presigned(keys));
    for (const byte of connectPacket(device.id)) opened.socket.send(Buffer.from([byte]));
    await connack(opened);
    opened.socket.send(Buffer.from([0xc0, 0, 0xc0, 0, 0xc0, 0]));
    await until('three PINGRESPs', () =>
      Buffer.concat(opened.received).toString('hex').endsWith('d000d000d000'),
    );
    opened.socket.terminate();
  });

  it('answers in one frame what it writes at once', async () => {
    const opened = await connected();
    const before = opened.received.length;
    opened.socket.send(Buffer.from([0xc0, 0, 0xc0, 0, 0xc0, 0]));
    await until('the answer', () => opened.received.length > before);
    expect(opened.received[before]?.toString('hex')).toBe('d000d000d000');
    opened.socket.terminate();
  });

  it('ends with a close frame after DISCONNECT, and answers a ping of the WebSocket', async () => {
    const opened = await connected();
    const ponged = new Promise((resolve) => opened.socket.once('pong', resolve));
    opened.socket.ping('hello');
    expect(String(await ponged)).toBe('hello');
    opened.socket.send(Buffer.from([0xe0, 0]));
    expect(await opened.closed).toEqual({ code: 1000 });
  });

  it('keeps HTTP as it was for requests that want nothing else', async () => {
    const { api, authority } = world.cloud.place();
    const url = api.replace('/api', '/healthz');
    expect((await callApi({ url, method: 'GET', authority })).status).toBe(200);
    const plain = await callApi({ url: api.replace('/api', '/mqtt'), method: 'GET', authority });
    expect([plain.status, plain.json.code]).toEqual([404, 'ROUTE_UNKNOWN']);
  });
});

describe('a device certificate', () => {
  const doors: [string, () => { port: number; ALPNProtocols?: string[] }][] = [
    ['the port of --mtls', () => ({ port: world.cloud.place().ports.mtls ?? 0 })],
    [
      'the main port with x-amzn-http-ca',
      () => ({ port: world.cloud.place().port, ALPNProtocols: ['x-amzn-http-ca'] }),
    ],
  ];

  it.each(doors)('opens a WebSocket without a signature on %s', async (_name, door) => {
    const { port, ALPNProtocols } = door();
    const client = await world.client(`wss://localhost:${port}/mqtt`, device.id, {
      ...{ cert: device.certificate, key: device.identity.keyPem },
      wsOptions: { ALPNProtocols } as object,
    });
    const answer = await client.subscribeAsync(`ioto/device/${device.id}/#`, { qos: 1 });
    expect(answer[0]?.qos).toBe(1);
    await client.endAsync();
  });

  it('counts for less than a signature', async () => {
    const other = await world.device(accountId);
    const { port, ports } = world.cloud.place();
    const url = (await world.presigned(keys)).replace(`localhost:${port}`, `localhost:${ports.mtls}`);
    const own = { cert: other.certificate, key: other.identity.keyPem };
    // Signed for another port: the host does not fit, and the certificate does not help.
    expect(await refusal(url, 'mqtt', own)).toBe('403 InvalidSignatureException');
  });

  it('is not for a website to use', async () => {
    const url = `wss://localhost:${world.cloud.place().ports.mtls}/mqtt`;
    const own = { cert: device.certificate, key: device.identity.keyPem };
    expect(await refusal(url, 'mqtt', { ...own, origin: 'https://evil.example' })).toBe('403 ORIGIN_FOREIGN');
  });
});

describe('a stranger', () => {
  it('without signature or certificate is refused before the first frame', async () => {
    const url = `wss://localhost:${world.cloud.place().port}/mqtt`;
    expect(await refusal(url)).toBe('403 MissingAuthenticationTokenException');
  });

  it.each<[string, (url: string) => string, string | string[] | undefined, string]>([
    ['on another path', (url) => url.replace('/mqtt?', '/chat?'), 'mqtt', '404 UPGRADE_UNKNOWN'],
    ['without the subprotocol [MQTT-6.0.0-3]', (url) => url, [], '400 SUBPROTOCOL_MISSING'],
    ['with another one', (url) => url, 'graphql-ws', '400 SUBPROTOCOL_MISSING'],
    ['with a byte changed', (url) => url.replace(/.$/, (c) => (c === '0' ? '1' : '0')), 'mqtt', ''],
  ])('with a signed URL %s is refused', async (_name, change, protocols, answer) => {
    const said = await refusal(change(await world.presigned(keys)), protocols);
    if (answer) expect(said).toBe(answer);
    else expect(said).toMatch(/^403 (InvalidSignature|UnrecognizedClient)Exception$/);
  });

  it('whose token is forged, foreign or expired, or whose signature is old, is refused', async () => {
    const forged = { ...keys, sessionToken: `${keys.sessionToken.slice(0, -4)}AAAA` };
    expect(await refusal(await world.presigned(forged))).toBe('403 UnrecognizedClientException');
    const foreign = { ...keys, accessKeyId: 'ASIAAAAAAAAAAAAAAAAA' };
    expect(await refusal(await world.presigned(foreign))).toBe('403 UnrecognizedClientException');
    const other = await world.toolCredentials(accountId);
    const mixed = { ...keys, sessionToken: other.sessionToken };
    expect(await refusal(await world.presigned(mixed))).toBe('403 UnrecognizedClientException');
    const bearer = { kind: 'device', deviceId: device.id, accountId, generation: 1 } as const;
    const [good, late] = [
      await world.earlierCredentials(bearer, 0),
      await world.earlierCredentials(bearer, 901_000),
    ];
    expect(await refusal(await world.presigned(good))).toBe('opened');
    expect(await refusal(await world.presigned(late))).toBe('403 ExpiredTokenException');
    const url = (await world.presigned(keys)).replace(/X-Amz-Security-Token=[^&]+/, '');
    expect(await refusal(url)).toBe('403 UnrecognizedClientException');
    for (const at of [Date.now() - 301_000, Date.now() + 302_000]) {
      expect(await refusal(await world.presigned(keys, { at }))).toBe('403 InvalidSignatureException');
    }
    expect(await refusal(await world.presigned(keys, { region: 'us-east-1' }))).toBe(
      '403 InvalidSignatureException',
    );
  });

  it('that asks for something else than a WebSocket is answered and let go', async () => {
    const { port, authority } = world.cloud.place();
    const ask = (headers: object, method = 'GET') =>
      new Promise<number | undefined>((resolve, reject) => {
        const options = { port, host: 'localhost', ca: authority, path: '/mqtt', method, headers };
        const call = request({ ...options, headers: { Connection: 'Upgrade', ...headers } });
        call.on('response', (answer) => {
          answer.resume();
          answer.on('close', () => resolve(answer.statusCode));
        });
        call.on('error', reject);
        call.end();
      });
    expect(await ask({ Upgrade: 'h2c' })).toBe(400);
    expect(await ask({ Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' })).toBe(400);
    expect(await ask({ Upgrade: 'websocket' }, 'POST')).toBe(400);
  });

  it('that sends half an upgrade is let go', async () => {
    const { port, authority } = world.cloud.place();
    const half = `GET /mqtt HTTP/1.1\r\nHost: localhost:${port}\r\nUpgrade: websocket\r\nConnection: Upg`;
    const { end, received } = await sendRaw({ port, tls: { ca: authority } }, { writes: [half] });
    expect(end).toBe('closed');
    expect(received.toString()).toMatch(/^HTTP\/1.1 408 /);
  });
});

describe('a client that was let in', () => {
  it('is closed at a text frame [MQTT-6.0.0-1]', async () => {
    const opened = await connected();
    opened.socket.send('hello');
    expect(await opened.closed).toEqual({ code: 1003 });
  });

  it('is closed at a frame that is too large, as soon as it is announced', async () => {
    const { socket, closed } = await connected();
    const raw = (socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket;
    // A binary frame, masked, of 256 MB; of which nothing comes.
    const head = Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0]);
    raw.write(head);
    expect(await closed).toEqual({ code: 1009 });
  });

  it('is closed at what is no frame, and others stay', async () => {
    const [broken, other] = [
      await connected(),
      await open(await world.presigned(await world.toolCredentials(accountId))),
    ];
    other.socket.send(connectPacket('console'));
    await connack(other);
    const raw = (broken.socket as unknown as { _socket: { write(bytes: string): void } })._socket;
    raw.write('GET / HTTP/1.1\r\n\r\n');
    await broken.closed;
    other.socket.send(Buffer.from([0xc0, 0]));
    await until('a PINGRESP', () => Buffer.concat(other.received).toString('hex').endsWith('d000'));
    other.socket.terminate();
  });

  it('that pings without end but takes nothing is not answered without end', async () => {
    const { socket } = await connected();
    const raw = (socket as unknown as { _socket: TLSSocket })._socket;
    raw.pause();
    const ping = Buffer.concat([Buffer.from([0x89, 0xfd, 0, 0, 0, 0]), Buffer.alloc(125, 1)]);
    const many = Buffer.concat(Array(2000).fill(ping));
    const flood = () => {
      while (!raw.destroyed && raw.write(many));
    };
    raw.on('drain', flood).on('error', () => undefined);
    flood();
    await until('the server to end it', () => raw.destroyed);
  });

  it('may be in no greater company than the limit for its address', async () => {
    await using small = await CloudWorld.create({ limits: { webSocket: { perAddress: 1 } } });
    const account = await small.account();
    const credentials = await small.toolCredentials(account);
    const first = await small.tool(credentials, 'one');
    const url = await small.presigned(credentials);
    const second = small.client(url, 'two');
    await expect(second).rejects.toThrow();
    expect((await small.metrics()).text).toMatch(/reason="WebSocket: ADDRESS_TOO_BUSY"\} 1$/m);
    await first.endAsync();
    await until('the first to be forgotten', async () =>
      small.tool(credentials, 'two').then(
        () => true,
        () => false,
      ),
    );
  });
});

describe('the cloud', () => {
  it('stops while WebSockets are open', async () => {
    const own = await CloudWorld.create();
    const client = await own.tool(await own.toolCredentials(await own.account()), 'console');
    const gone = new Promise((resolve) => client.once('close', () => resolve(true)));
    await own.cloud.stop();
    await gone;
    await own[Symbol.asyncDispose]();
  });

  it('without the role of a device cloud has no WebSockets', async () => {
    await using builder = await CloudWorld.create({ roles: ['builder'] });
    const { port, authority } = builder.cloud.place();
    const said = await new Promise((resolve) => {
      const socket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: authority }, () =>
        socket.write(
          `GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
            'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
        ),
      );
      socket.once('data', (bytes) => {
        resolve(bytes.toString().split('\r\n')[0]);
        socket.destroy();
      });
    });
    expect(said).toBe('HTTP/1.1 404 Not Found');
  });
});
