import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { sendRaw } from '@ioto/testkit/hostile/raw-client';
import { describe, expect, it } from 'vitest';
import { WebWorld } from './web-world.fixture.ts';

/** What the server says to these bytes until it ends the connection, or says no more. */
async function exchange({ port }: WebWorld, bytes: string): Promise<string> {
  const writes = [Buffer.from(bytes, 'latin1')];
  return (await sendRaw({ port }, { writes, patience: 250 })).received.toString('latin1');
}

const statuses = (said: string) => [...said.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, code]) => Number(code));
const GET = 'GET /a.txt HTTP/1.1\r\nHost: x\r\n';

describe('a request that a proxy and a server might read differently', () => {
  it.each([
    ['two hosts', `${GET}Host: y\r\n\r\n`, 400],
    ['a host that is none', 'GET /a.txt HTTP/1.1\r\nHost: a b\r\n\r\n', 400],
    ['no host', 'GET /a.txt HTTP/1.1\r\n\r\n', 400],
    ['chunks in HTTP/1.0', 'GET /a.txt HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ['another coding than chunked', `${GET}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 501],
    ['a length and chunks', `${GET}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    ['two lengths', `${GET}Content-Length: 4\r\nContent-Length: 5\r\n\r\n`, 400],
    ['a folded header', `${GET}X: a\r\n b\r\n\r\n`, 400],
    ['a target of another host', 'GET http://y/a.txt HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['a target that is no path', 'GET a.txt HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['two content types', `${GET}Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n`, 400],
  ])('(%s) is refused, and what follows it is nobody’s request', async (_what, bytes, status) => {
    await using web = await WebWorld.create({ files: { 'a.txt': 'a' } });
    expect(statuses(await exchange(web, `${bytes}${GET}\r\n`))).toEqual([status]);
  });

  it('is answered where it only names its own host', async () => {
    await using web = await WebWorld.create({ files: { 'a.txt': 'a' } });
    const whole = 'GET http://X:80/a.txt HTTP/1.1\r\nHost: x:80\r\n\r\n';
    expect(statuses(await exchange(web, `${whole}OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n`))).toEqual([
      200, 204,
    ]);
  });
});

describe('a client that wants too much', () => {
  it('of headers is refused by their number and their size', async () => {
    await using web = await WebWorld.create({ files: { 'a.txt': 'a' }, web: { limits: { headers: 5 } } });
    const lines = (count: number) => Array.from({ length: count }, (_, n) => `X-${n}: 1\r\n`).join('');
    expect(statuses(await exchange(web, `${GET}${lines(4)}\r\n`))).toEqual([200]);
    expect(statuses(await exchange(web, `${GET}${lines(5)}\r\n`))).toEqual([431]);
    expect(statuses(await exchange(web, `${GET}X: ${'x'.repeat(11_000)}\r\n\r\n`))).toEqual([431]);
  });

  it('at once, and reads nothing, is cut off, and others are served', async () => {
    await using web = await WebWorld.create({ files: { 'a.txt': 'a' }, web: { limits: { pipeline: 4 } } });
    expect(statuses(await exchange(web, `${GET}\r\n`.repeat(3)))).toEqual([200, 200, 200]);
    const flood = await exchange(web, `${GET}X: 1\r\nIf-Match: *\r\n\r\n`.repeat(1000));
    expect(statuses(flood).length).toBeLessThan(1000);
    expect((await web.get('/a.txt')).status).toBe(200);
  });

  it('of one connection gets its number of requests', async () => {
    await using web = await WebWorld.create({ files: { 'a.txt': 'a' }, web: { limits: { requests: '2' } } });
    const said = await exchange(web, `${GET}\r\n`.repeat(2));
    expect(statuses(said)).toEqual([200, 200]);
    expect(said.toLowerCase()).toContain('connection: close');
  });

  it('of connections gets as many as there are, and one more when one has ended', async () => {
    await using web = await WebWorld.create({ files: { 'a.txt': 'a' }, web: { limits: { connections: 2 } } });
    const open = () =>
      new Promise<Socket>((resolve, reject) => {
        const socket = connect(web.port, '127.0.0.1', () => resolve(socket));
        socket.on('error', reject);
      });
    const held = [await open(), await open()];
    await delay(50);
    await expect(web.get('/a.txt')).rejects.toThrow(/ECONNRESET|hang up/);
    held[0]?.destroy();
    await delay(50);
    expect((await web.get('/a.txt')).status).toBe(200);
    held[1]?.destroy();
  });
});
