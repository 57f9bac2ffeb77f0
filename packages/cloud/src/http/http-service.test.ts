import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { CodedError, silentLogger, systemClock } from '@ioto/runtime';
import { sendRaw } from '@ioto/testkit/hostile/raw-client';
import { until } from '@ioto/testkit/until';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { Type } from 'typebox';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deviceAuthenticationFailed, deviceNotFound } from './agent-dialect.ts';
import type { HttpApp } from './http-app.ts';
import { type HttpLimits, HttpService } from './http-service.ts';

let clock: VirtualClock;
let http: HttpService;
const listeners: Server[] = [];
let release: () => void;
const released = new Promise<void>((resolve) => {
  release = resolve;
});
let latest: AbortSignal | undefined;

const Thing = Type.Object({ name: Type.String({ maxLength: 10 }), count: Type.Optional(Type.Integer()) });

function routes(app: HttpApp): void {
  app.post('/thing', { schema: { body: Thing } }, async (request) => ({
    name: request.body.name,
    raw: request.rawBody?.toString(),
  }));
  app.post('/nothing', async (request) => ({ body: request.body }));
  app.post('/agent/echo', { config: { agent: true } }, async (request) => request.body);
  for (const path of ['/agent/blocked', '/blocked']) {
    app.post(path, { config: { agent: path.startsWith('/agent') } }, async () => {
      throw new CodedError('BUSY', 'come back later', { status: 429, retryAfter: 90_500 });
    });
  }
  app.post('/agent/void', { config: { agent: true } }, async () => {
    throw deviceAuthenticationFailed('the token is void');
  });
  app.post('/agent/gone', { config: { agent: true } }, async () => {
    throw deviceNotFound('no such device');
  });
  app.post('/broken', async () => {
    throw new Error('secret details');
  });
  app.post('/wait', async (request) => {
    if (!request.gone.aborted) await once(request.gone, 'abort');
    return { waited: true };
  });
  app.post('/late', async (request) => {
    await released;
    latest = request.gone;
    return {};
  });
}

async function start(limits: Partial<HttpLimits> = {}, of: typeof systemClock = clock): Promise<void> {
  http = new HttpService({ clock: of, logger: silentLogger, limits, api: [routes], root: [] });
  await http.start();
}

/** A port that hands its connections over, as the front door does. */
async function listen(): Promise<number> {
  const server = createServer((socket) => http.server.emit('connection', socket)).listen(0, '127.0.0.1');
  listeners.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function post(path: string, body: string | Buffer | object, headers: Record<string, string> = {}) {
  return http.app.inject({
    method: 'POST',
    url: `/api${path}`,
    headers: { 'content-type': 'application/json', ...headers },
    payload: body,
  });
}

beforeEach(async () => {
  clock = new VirtualClock();
  await start();
});

afterEach(async () => {
  await http.stop();
  for (const server of listeners.splice(0)) server.close();
});

describe('a request', () => {
  it('is answered with what the route gives, its exact bytes known, and headers that keep it private', async () => {
    const answer = await post('/thing', '{ "name" : "a" }');
    expect(answer.json()).toEqual({ name: 'a', raw: '{ "name" : "a" }' });
    expect(answer.headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    expect(Date.parse(String(answer.headers.date))).not.toBeNaN();
  });

  it('may come without a body where nothing is asked for', async () => {
    const bare = await http.app.inject({ method: 'POST', url: '/api/nothing' });
    expect(bare.json()).toEqual({ body: {} });
    expect((await post('/nothing', '')).json()).toEqual({ body: {} });
  });

  const deep = `${'['.repeat(40)}${']'.repeat(40)}`;
  it.each([
    ['not JSON', '{"name":', 400, 'JSON_MALFORMED'],
    ['empty where a body is needed', '', 400, 'REQUEST_INVALID'],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 400, 'JSON_MALFORMED'],
    ['too deep', `{"name":"a","x":${deep}}`, 400, 'JSON_TOO_DEEP'],
    ['very deep', '['.repeat(100_000), 400, 'JSON_TOO_DEEP'],
    ['of many values', `[${'[],'.repeat(60_000)}[]]`, 400, 'JSON_TOO_MANY_VALUES'],
    ['with __proto__', '{"name":"a","__proto__":{"admin":true}}', 400, 'JSON_KEY_FORBIDDEN'],
    ['with __proto__ spelled out', '{"name":"a","x":[{"__\\u0070roto__":1}]}', 400, 'JSON_KEY_FORBIDDEN'],
    ['with half a character', '{"name":"q\\ud800"}', 400, 'JSON_TEXT_MALFORMED'],
    ['with half a character in a key', '{"name":"a","\\udc00":1}', 400, 'JSON_TEXT_MALFORMED'],
    ['a field of the wrong type', '{"name":1}', 400, 'REQUEST_INVALID'],
    ['a field that is too long', '{"name":"12345678901"}', 400, 'REQUEST_INVALID'],
    ['an array', '[]', 400, 'REQUEST_INVALID'],
    ['too large', JSON.stringify({ name: 'a', x: 'y'.repeat(300_000) }), 413, 'BODY_TOO_LARGE'],
  ])('that is %s gets a clear refusal', async (_name, body, status, code) => {
    const answer = await post('/thing', body);
    expect({ status: answer.statusCode, code: answer.json().code }).toEqual({ status, code });
    expect(answer.json().error).toBeTruthy();
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'nonsense'])(
    'of content type %s is refused',
    async (type) => {
      const answer = await post('/thing', 'name=a', { 'content-type': type });
      expect(answer.json()).toMatchObject({ code: 'CONTENT_TYPE_UNSUPPORTED' });
      expect(answer.statusCode).toBe(415);
    },
  );

  it('for what does not exist, or is malformed, is refused in JSON', async () => {
    expect((await post('/elsewhere', {})).json()).toMatchObject({ code: 'ROUTE_UNKNOWN' });
    const malformed = await http.app.inject({ method: 'GET', url: '/%zz' });
    expect(malformed.statusCode).toBe(400);
    expect(malformed.json()).toMatchObject({ code: 'URL_MALFORMED' });
  });

  it('that fails here says nothing of why', async () => {
    const answer = await post('/broken', {});
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toContain('secret');
    expect(answer.json().code).toBe('INTERNAL');
  });

  it('is one of too many from its address, after a while', async () => {
    await http.stop();
    await start({ perAddress: { burst: 3, period: 3000 } });
    const statuses = [];
    for (let n = 0; n < 4; n += 1) statuses.push((await post('/nothing', {})).statusCode);
    expect(statuses).toEqual([200, 200, 200, 429]);
    await clock.advance(1000);
    expect((await post('/nothing', {})).statusCode).toBe(200);
  });
});

describe('an agent in the field', () => {
  it('learns how long to stay away from a 200', async () => {
    const answer = await post('/agent/blocked', {});
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ error: 'come back later', code: 'BUSY', delay: 91 });
  });

  it('reads the two texts that make it register again', async () => {
    const [failed, gone] = [await post('/agent/void', {}), await post('/agent/gone', {})];
    expect([failed.statusCode, failed.body]).toEqual([401, 'Authentication failed']);
    expect([gone.statusCode, gone.body]).toEqual([404, 'Cannot find device']);
    expect(failed.headers['content-type']).toMatch(/^text\/plain/);
  });

  it('may have read half a character somewhere', async () => {
    const answer = await post('/agent/echo', '{"name":"q\\ud800"}');
    expect([answer.statusCode, answer.json()]).toEqual([200, { name: 'q\ud800' }]);
  });

  it('is understood when it prints a zero as e+00', async () => {
    expect((await post('/agent/echo', '{"value":e+00,"text":":e+00,"}')).json()).toEqual({
      value: 0,
      text: ':e+00,',
    });
  });
});

describe('an agent that says Ioto-Agent: 2', () => {
  const ours = { 'ioto-agent': '2' };

  it('gets proper statuses, codes and Retry-After', async () => {
    const blocked = await post('/agent/blocked', {}, ours);
    expect([blocked.statusCode, blocked.headers['retry-after']]).toEqual([429, '91']);
    expect((await post('/agent/void', {}, ours)).json().code).toBe('DEVICE_AUTHENTICATION_FAILED');
    expect((await post('/agent/gone', {}, ours)).json().code).toBe('DEVICE_NOT_FOUND');
    expect((await post('/agent/echo', '{"value":e+00}', ours)).statusCode).toBe(400);
  });

  it('and everybody who is not an agent gets 429 too', async () => {
    expect((await post('/blocked', {})).statusCode).toBe(429);
  });
});

describe('what is not HTTP', () => {
  it.each([
    ['noise', 'HELO there\r\n\r\n', 400, 'HTTP_MALFORMED'],
    [
      'headers without end',
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(40_000)}`,
      431,
      'HEADERS_TOO_LARGE',
    ],
  ])('%s is answered once and closed', async (_name, bytes, status, code) => {
    const port = await listen();
    const { received, end } = await sendRaw({ port }, { writes: [bytes] });
    expect(end).toBe('closed');
    expect(received.toString()).toMatch(new RegExp(`^HTTP/1.1 ${status} [\\s\\S]*"code":"${code}"`));
  });

  it('a request that is cut off within its body is no failure of the server', async () => {
    await http.stop();
    const failures: unknown[] = [];
    const logger = { ...silentLogger, error: (facts: unknown) => failures.push(facts) };
    http = new HttpService({ clock, logger, api: [routes], root: [] });
    await http.start();
    const socket = connect(await listen(), '127.0.0.1');
    socket.write(
      'POST /api/nothing HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
    );
    await until('the request has begun', () => http.waiting === 1);
    socket.destroy();
    await until('it has ended', () => http.waiting === 0);
    expect(failures).toEqual([]);
  });

  it('a request that never becomes complete is closed', async () => {
    await http.stop();
    await start({ headersTimeout: 30, requestTimeout: 30, checkEvery: 10 }, systemClock);
    const port = await listen();
    for (const bytes of [
      'GET / HTTP/1.1\r\nHost:',
      'POST /api/nothing HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
    ]) {
      const { received, end } = await sendRaw({ port }, { writes: [bytes] });
      expect(end).toBe('closed');
      expect(received.toString()).toMatch(/^HTTP\/1.1 408 [\s\S]*"code":"REQUEST_TIMEOUT"/);
    }
  });
});

const bare = (path: string) => `POST /api${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`;

describe('a connection that asks before it has been answered', () => {
  it('ends all its requests when it closes, not only the one whose turn it was', async () => {
    const socket = connect(await listen(), '127.0.0.1');
    socket.write(bare('/wait').repeat(5));
    await until('five requests to wait', () => http.waiting === 5);
    socket.destroy();
    await until('all of them to be forgotten', () => http.waiting === 0);
  });

  it('is closed when it goes on and on', async () => {
    const { received, end } = await sendRaw({ port: await listen() }, { writes: [bare('/wait').repeat(40)] });
    expect({ received: received.toString(), end }).toEqual({ received: '', end: 'closed' });
    await until('all of them to be forgotten', () => http.waiting === 0);
  });

  it('may ask as often as it likes when it takes its answers', async () => {
    const socket = connect(await listen(), '127.0.0.1').setEncoding('utf8');
    let answers = 0;
    socket.on('data', (text: string) => {
      answers += text.split('HTTP/1.1 200').length - 1;
      if (answers < 50) socket.write(bare('/nothing'));
    });
    socket.write(bare('/nothing'));
    await until('fifty answers', () => answers === 50);
    socket.destroy();
  });

  it('is known to be gone by a route that only asks afterwards', async () => {
    const socket = connect(await listen(), '127.0.0.1');
    socket.write(bare('/late'));
    await until('the request has begun', () => http.waiting === 1);
    socket.destroy();
    await until('it has ended', () => http.waiting === 0);
    release();
    await until('the route has asked', () => latest !== undefined);
    expect(latest?.aborted).toBe(true);
  });
});

describe('a long poll', () => {
  const request = bare('/wait');

  it('is answered when the program stops', async () => {
    const port = await listen();
    const outcome = sendRaw({ port }, { writes: [request], patience: 10_000 });
    await until('the request to wait', () => http.waiting === 1);
    await http.stop();
    expect((await outcome).received.toString()).toContain('"waited":true');
  });

  it('ends when its client goes away', async () => {
    const port = await listen();
    await sendRaw({ port }, { writes: [request], patience: 30 });
    await until('the request to be forgotten', () => http.waiting === 0);
  });
});
