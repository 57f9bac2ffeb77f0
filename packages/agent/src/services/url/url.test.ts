import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { systemClock } from '@ioto/runtime';
import { describe, expect, it } from 'vitest';
import { Authority } from '../../../test/authority.ts';
import { UrlService } from './service.ts';

async function serve(listener: RequestListener, secure?: TlsOptions & { cert: string; key: string }) {
  const server: Server = secure ? createHttps(secure, listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${secure ? 'https' : 'http'}://localhost:${port}/`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const client = (authority?: string) =>
  new UrlService({ clock: systemClock, authority, timeout: 5000, limit: 1024 });

describe('agent.url.fetch', () => {
  it('sends a method, headers and JSON, and reads the answer whatever its status', async () => {
    await using server = await serve((request, response) => {
      request.pipe(
        response.writeHead(418, {
          'x-method': request.method ?? '',
          'x-type': request.headers['content-type'] ?? '',
        }),
      );
    });
    const answer = await client().fetch(server.url, { json: { a: 'ä' } });
    expect(answer).toMatchObject({
      status: 418,
      headers: { 'x-method': 'POST', 'x-type': 'application/json' },
    });
    expect(answer.json()).toEqual({ a: 'ä' });
    expect(answer.text()).toBe('{"a":"ä"}');
    expect((await client().fetch(server.url, { method: 'PUT', body: 'plain' })).text()).toBe('plain');
  });

  it('keeps its connections', async () => {
    const ports = new Set<number | undefined>();
    await using server = await serve((request, response) => {
      ports.add(request.socket.remotePort);
      response.end('ok');
    });
    const url = client();
    for (let turn = 0; turn < 3; turn += 1) await url.fetch(server.url);
    expect(ports.size).toBe(1);
    await url.stop();
  });

  it('reads no more than its limit, said in advance or not', async () => {
    await using server = await serve((request, response) => {
      if (request.url === '/said') response.writeHead(200, { 'content-length': 4096 });
      response.end('x'.repeat(4096));
    });
    for (const path of ['said', 'unsaid']) {
      await expect(client().fetch(server.url + path)).rejects.toMatchObject({ code: 'URL_TOO_LARGE' });
    }
    expect((await client().fetch(server.url, { limit: 4096 })).body.length).toBe(4096);
  });

  it('streams without a limit', async () => {
    await using server = await serve((_request, response) => response.end('x'.repeat(100_000)));
    const { stream, body } = await client().fetch(server.url, { stream: true });
    let length = 0;
    for await (const chunk of stream ?? []) length += (chunk as Buffer).length;
    expect([body.length, length]).toEqual([0, 100_000]);
  });

  it('hands a body over piece by piece, waits for whoever takes it, and fails with them', async () => {
    await using server = await serve((request, response) => {
      if (request.url === '/none') response.writeHead(404);
      response.end('x'.repeat(300_000));
    });
    let length = 0;
    let isTaking = false;
    const onData = async (piece: Buffer) => {
      expect(isTaking).toBe(false);
      isTaking = true;
      await setImmediate();
      length += piece.length;
      isTaking = false;
    };
    const { body } = await client().fetch(server.url, { onData });
    expect([body.length, length]).toEqual([0, 300_000]);
    const refusal = client().fetch(server.url, { onData: () => Promise.reject(new Error('no room')) });
    await expect(refusal).rejects.toThrow('no room');
    const none = await client().fetch(`${server.url}none`, { onData, limit: 300_000 });
    expect([none.status, none.body.length, length]).toEqual([404, 300_000, 300_000]);
  });

  it('is given time anew with every piece', async () => {
    await using server = await serve((request, response) => {
      for (const turn of [0, 1, 2, 3]) setTimeout(() => response.write('x'), turn * 40);
      if (request.url === '/') setTimeout(() => response.end(), 160);
    });
    let length = 0;
    const onData = (piece: Buffer) => {
      length += piece.length;
    };
    await client().fetch(server.url, { onData, timeout: 110 });
    expect(length).toBe(4);
    await expect(client().fetch(`${server.url}half`, { onData, timeout: 110 })).rejects.toMatchObject({
      code: 'URL_TIMEOUT',
    });
  });

  it('shows a client certificate and offers a protocol, on connections of their own', async () => {
    const authority = await Authority.create();
    const device = await authority.issueServer('device');
    const options = { ca: authority.pem, requestCert: true, rejectUnauthorized: false };
    const seen: unknown[] = [];
    await using server = await serve(
      ({ socket }, response) => {
        const { authorized, alpnProtocol } = socket as TLSSocket;
        seen.push([authorized, alpnProtocol]);
        response.end();
      },
      { ...(await authority.issueServer('localhost')), ...options, ALPNProtocols: ['a', 'b'] },
    );
    const url = client(authority.pem);
    const { cert, key } = device;
    await url.fetch(server.url, { alpn: 'a' });
    await url.fetch(server.url, { alpn: 'b' });
    await url.fetch(server.url, { alpn: 'b', cert, key });
    expect(seen).toEqual([
      [false, 'a'],
      [false, 'b'],
      [true, 'b'],
    ]);
    await url.stop();
  });

  it('ends when its time is up, also in the middle of a body, and when it is told to', async () => {
    await using server = await serve((request, response) => {
      if (request.url === '/half') response.write('half');
    });
    await expect(client().fetch(server.url, { timeout: 20 })).rejects.toMatchObject({ code: 'URL_TIMEOUT' });
    await expect(client().fetch(`${server.url}half`, { timeout: 20 })).rejects.toMatchObject({
      code: 'URL_TIMEOUT',
    });
    await expect(client().fetch(server.url, { signal: AbortSignal.timeout(20) })).rejects.toThrow(/timeout/);
  });

  it('trusts the configured authority only, or the one that is handed in', async () => {
    const authority = await Authority.create();
    const stranger = await Authority.create('CN=Stranger');
    await using server = await serve(
      (_request, response) => response.end('ok'),
      await authority.issueServer('localhost'),
    );
    expect((await client(authority.pem).fetch(server.url)).status).toBe(200);
    expect((await client(stranger.pem).fetch(server.url, { ca: authority.pem })).status).toBe(200);
    await expect(client().fetch(server.url)).rejects.toMatchObject({ code: 'URL_UNTRUSTED' });
    await expect(client(stranger.pem).fetch(server.url)).rejects.toMatchObject({ code: 'URL_UNTRUSTED' });
  });

  it('never shows a path or query, which may hold secrets, in an error', async () => {
    const error = await client()
      .fetch('http://127.0.0.1:1/path?token=s3cret')
      .catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'URL_UNREACHABLE' });
    expect(error.message).not.toContain('s3cret');
  });

  it('refuses what is no http or https URL', async () => {
    for (const url of ['file:///etc/passwd', 'nonsense', '/relative']) {
      await expect(client().fetch(url)).rejects.toMatchObject({ code: 'URL_BAD' });
    }
  });

  it('reports an answer that is no JSON as such', async () => {
    await using server = await serve((_request, response) => response.end('<html>'));
    const answer = await client().fetch(server.url);
    expect(() => answer.json()).toThrow(expect.objectContaining({ code: 'URL_BODY' }));
  });
});
