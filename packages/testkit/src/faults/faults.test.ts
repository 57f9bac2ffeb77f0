import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { systemClock } from '@ioto/runtime';
import { afterEach, describe, expect, it } from 'vitest';
import { sendRaw } from '../hostile/raw-client.ts';
import { callHttp } from '../old-agent/http-call.ts';
import { TestAuthority } from '../test-authority.ts';
import { HttpsFront } from './https-front.ts';
import { TcpProxy } from './tcp-proxy.ts';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function echoServer(): Promise<number> {
  const server = createTcpServer((socket) => socket.on('error', () => undefined).pipe(socket));
  cleanups.push(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('the TCP proxy', () => {
  it('lets bytes pass both ways in fine weather', async () => {
    await using proxy = await TcpProxy.start({ port: await echoServer() });
    const outcome = await sendRaw(proxy, { writes: ['hello'], enough: (bytes) => bytes.length === 5 });
    expect(outcome.received.toString()).toBe('hello');
  });

  it('cuts the answer after the bytes it was told', async () => {
    await using proxy = await TcpProxy.start({ port: await echoServer() });
    proxy.weather = { kind: 'answers-cut', after: 3 };
    const outcome = await sendRaw(proxy, { writes: ['hello'] });
    expect(outcome.end).toBe('closed');
    expect('hel'.startsWith(outcome.received.toString())).toBe(true);
  });

  it('resets standing connections when it is cut', async () => {
    await using proxy = await TcpProxy.start({ port: await echoServer() });
    const socket = connect(proxy.port, '127.0.0.1');
    socket.write('x');
    await once(socket, 'data');
    proxy.weather = { kind: 'cut' };
    const [error] = await once(socket, 'error');
    expect(error.code).toBe('ECONNRESET');
  });

  it('holds everything back while it is stalled and hands it over afterwards', async () => {
    await using proxy = await TcpProxy.start({ port: await echoServer() });
    proxy.weather = { kind: 'stalled' };
    const outcome = await sendRaw(proxy, { writes: ['hello'], patience: 50 });
    expect(outcome).toMatchObject({ end: 'open', received: Buffer.alloc(0) });
    const socket = connect(proxy.port, '127.0.0.1');
    socket.write('later');
    await new Promise((resolve) => setTimeout(resolve, 20));
    proxy.weather = { kind: 'fine' };
    const [chunk] = await once(socket, 'data');
    expect(String(chunk)).toBe('later');
    socket.destroy();
  });
});

describe('the HTTPS front', () => {
  async function realServer() {
    const authority = await TestAuthority.create();
    const { certificate, key } = await authority.issue({ commonName: 'localhost', dnsNames: ['localhost'] });
    let served = 0;
    const server = createServer({ cert: certificate, key }, (request: IncomingMessage, response) => {
      served += 1;
      request.resume();
      response.end(JSON.stringify({ api: `${origin}/api` }));
    });
    cleanups.push(() => {
      server.closeAllConnections();
      server.close();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const origin = `https://localhost:${(server.address() as AddressInfo).port}`;
    return { target: origin, authority: authority.certificate, served: () => served };
  }

  it('puts its own address in place of the server', async () => {
    const real = await realServer();
    await using front = await HttpsFront.start(real);
    const call = { url: `${front.origin}/x`, bearer: 't', body: '{}', authority: front.authority };
    const answer = await callHttp(call, systemClock);
    expect(JSON.parse(answer.body)).toEqual({ api: `${front.origin}/api` });
    expect(front.calls[0]).toMatchObject({ method: 'POST', path: '/x', body: '{}', status: 200 });
  });

  it('loses an answer after the server has done its work', async () => {
    const real = await realServer();
    await using front = await HttpsFront.start(real);
    front.fate = () => 'lose-answer';
    const call = { url: `${front.origin}/x`, bearer: 't', body: '{}', authority: front.authority };
    await expect(callHttp(call, systemClock)).rejects.toThrow();
    expect(real.served()).toBe(1);
  });
});
