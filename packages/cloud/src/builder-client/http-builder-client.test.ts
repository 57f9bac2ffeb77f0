import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HttpBuilderClient } from './http-builder-client.ts';

interface Answer {
  status: number;
  body: string;
  headers?: Record<string, string>;
}

let server: Server;
let client: HttpBuilderClient;
let answer: Answer | 'never' | 'hang up';
const asked: { path?: string; authorization?: string; body: string }[] = [];

beforeEach(async () => {
  asked.length = 0;
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    asked.push({ path: request.url, authorization: request.headers.authorization, body });
    if (answer === 'hang up') request.socket.destroy();
    if (typeof answer === 'string') return;
    response
      .writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
      .end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  client = new HttpBuilderClient({
    base: () => `http://127.0.0.1:${port}/api`,
    key: () => 'cloud-key',
    authority: () => undefined,
  });
  await client.start();
});
afterEach(async () => {
  await client.stop();
  server.closeAllConnections();
  server.close();
});

const bind = () => client.bind({ id: 'JT08FFQXWQ', accountId: 'A', generation: 1, token: 't' });
const code = (value: string, status: number) => expect.objectContaining({ code: value, status });

describe('a question to the builder', () => {
  it('carries the cloud key, and its answer comes back', async () => {
    answer = { status: 200, body: '{"device":{"id":"JT08FFQXWQ","generation":0,"claimed":false}}' };
    expect((await client.find({ id: 'JT08FFQXWQ' })).device?.id).toBe('JT08FFQXWQ');
    expect(asked).toEqual([
      { path: '/api/cloud/find', authorization: 'bearer cloud-key', body: '{"id":"JT08FFQXWQ"}' },
    ]);
  });

  it('that is refused fails with the builder’s own code', async () => {
    answer = { status: 409, body: '{"error":"taken","code":"DEVICE_CLAIMED"}' };
    await expect(bind()).rejects.toEqual(code('DEVICE_CLAIMED', 409));
    answer = { status: 429, body: '{"error":"slow","code":"TOO_MANY"}', headers: { 'retry-after': '7' } };
    await expect(bind()).rejects.toMatchObject({ code: 'TOO_MANY', retryable: true, retryAfter: 7000 });
  });

  it('with a key that the builder refuses is no fault of the user', async () => {
    answer = { status: 401, body: '{"error":"no such key","code":"CLOUD_KEY_INVALID"}' };
    await expect(bind()).rejects.toEqual(code('BUILDER_REFUSES_CLOUD', 503));
  });

  it('that is not answered, or with nonsense, can be asked again', async () => {
    answer = 'hang up';
    await expect(bind()).rejects.toEqual(code('BUILDER_UNREACHABLE', 503));
    answer = { status: 502, body: '<html>' };
    await expect(bind()).rejects.toEqual(code('BUILDER_FAILED', 503));
    answer = { status: 200, body: '<html>' };
    await expect(bind()).rejects.toEqual(code('BUILDER_FAILED', 503));
  });

  it('that waits ends with its signal', async () => {
    answer = 'never';
    const stop = new AbortController();
    const waiting = client.find({ pending: true, wait: 50 }, stop.signal);
    setTimeout(() => stop.abort(), 5);
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });
});
