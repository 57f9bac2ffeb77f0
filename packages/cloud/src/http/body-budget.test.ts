import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { silentLogger } from '@ioto/runtime';
import { until } from '@ioto/testkit/until';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HttpService } from './http-service.ts';

const KB = 1024;
let http: HttpService;
let port: Server;
const sockets: Socket[] = [];
const polls: (() => void)[] = [];

beforeEach(async () => {
  http = new HttpService({
    ...{ clock: new VirtualClock(), logger: silentLogger, root: [] },
    limits: { body: 32 * KB, bodies: { ofCaller: 100 * KB, ofAddress: 64 * KB, ofAll: 140 * KB } },
    api: [
      (app) => {
        app.post('/echo', async (request) => ({ bytes: request.rawBody?.length ?? 0 }));
        const onRequest = async (request: { bodyOwner: string | undefined; url: string }) => {
          request.bodyOwner = request.url.split('?')[1];
        };
        app.post('/poll', () => new Promise((resolve) => polls.push(() => resolve({}))));
        app.post('/known', { onRequest: onRequest as never }, async () => ({}));
      },
    ],
  });
  await http.start();
  port = createServer((socket) => http.server.emit('connection', socket)).listen(0, '127.0.0.1');
  await once(port, 'listening');
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await http.stop();
  port.close();
});

/** Begins a request whose body never ends. */
async function begin(path: string, length: number | 'chunked'): Promise<Socket> {
  const waiting = http.waiting;
  const socket = connect((port.address() as AddressInfo).port, '127.0.0.1');
  sockets.push(socket);
  const size = length === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`;
  socket.write(
    `POST /api${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${size}\r\n\r\n${length === 'chunked' ? '1\r\n{\r\n' : '{'}`,
  );
  await until('the request to wait', () => http.waiting > waiting);
  return socket;
}

async function send(path: string, bytes: number) {
  const payload = JSON.stringify('x'.repeat(bytes - 2));
  const headers = { 'content-type': 'application/json' };
  const answer = await http.app.inject({ method: 'POST', url: `/api${path}`, headers, payload });
  return { status: answer.statusCode, code: answer.json().code, retry: answer.headers['retry-after'] };
}

describe('bodies that were begun', () => {
  it('take no more of one address than it may hold, and what is refused is told to come back', async () => {
    const [first] = [await begin('/echo', 32 * KB), await begin('/echo', 16 * KB)];
    expect(await send('/echo', 16 * KB)).toMatchObject({ status: 200 });
    expect(await send('/echo', 16 * KB)).toMatchObject({ status: 200 });
    expect(await send('/echo', 17 * KB)).toEqual({
      status: 429,
      code: 'BODIES_OF_ONE_TOO_LARGE',
      retry: '2',
    });
    first?.destroy();
    await until('it to be forgotten', () => http.waiting === 1);
    expect(await send('/echo', 17 * KB)).toMatchObject({ status: 200 });
  });

  it('count until they are read where they are small, so that many may wait for their answers behind one address', async () => {
    const waiting: ReturnType<typeof send>[] = [];
    for (let n = 1; n <= 10; n += 1) {
      waiting.push(send('/poll', 12 * KB));
      await until('it to be read', () => polls.length === n);
    }
    expect(await send('/echo', 32 * KB)).toMatchObject({ status: 200 });
    for (const answer of polls.splice(0)) answer();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(Array(10).fill(200));
  });

  it('are counted as long as they may become when they do not say', async () => {
    await begin('/echo', 'chunked');
    await begin('/echo', 'chunked');
    expect(await send('/echo', 10)).toMatchObject({ status: 429 });
    expect(await send('/echo', 33 * KB)).toMatchObject({ status: 413 });
  });

  it('are counted for whoever is known to send them, and for all together', async () => {
    for (let n = 0; n < 3; n += 1) await begin('/known?A1', 32 * KB);
    expect(await send('/known?A1', 5 * KB)).toMatchObject({ status: 429 });
    expect(await send('/echo', 5 * KB)).toMatchObject({ status: 200 });
    await begin('/known?A2', 32 * KB);
    expect(await send('/known?A3', 13 * KB)).toEqual({ status: 503, code: 'BODIES_TOO_LARGE', retry: '2' });
    expect(await send('/known?A3', 12 * KB)).toMatchObject({ status: 200 });
  });
});
