import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { sendRaw } from '@ioto/testkit/hostile/raw-client';
import { describe, expect, it } from 'vitest';
import { WebWorld } from './web-world.fixture.ts';

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
const statuses = (said: string) => [...said.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, code]) => Number(code));

/** What the server says to these bytes, each a moment after the one before. */
async function exchange({ port }: WebWorld, ...writes: string[]): Promise<string> {
  const script = { writes: writes.map((each) => Buffer.from(each, 'latin1')), pause: 30, patience: 200 };
  return (await sendRaw({ port }, script)).received.toString('latin1');
}

describe('a file that needs a role', () => {
  const files = { 'index.html': 'front', 'sub/secret.html': 'secret' };

  it.each([
    ['below a path', { match: '/sub/in/', role: 'user' }, '/sub/in/secret.html'],
    ['by itself', { match: '/sub/in/secret.html', role: 'user' }, '/sub/in/secret.html'],
  ])('(%s) is not reached by another spelling of its path', async (_what, route, path) => {
    const before = async (directory: WebWorld['directory']) => {
      await mkdir(directory.at('site', 'sub', 'in'));
      await writeFile(directory.at('site', 'sub', 'in', 'secret.html'), 'secret');
    };
    await using web = await WebWorld.create({ files, before, web: { routes: [route] } });
    expect((await web.get(path)).status).toBe(401);
    const spellings = [
      '/sub//in/secret.html',
      '/sub/in//secret.html',
      '/sub///in///secret.html',
      '/sub/%69n/secret.html',
      '/sub/%2fin/secret.html',
      '/sub/./in/secret.html',
      '/sub/%2e/in/secret.html',
      '/sub/x/../in/secret.html',
      '/sub/in/secret.html/',
      '/sub\\in\\secret.html',
      '/sub/in/secret.html%00',
      '/sub/in/secret.html%20',
      '/sub/in/secret.html.',
      '/sub/in;/secret.html',
      '/SUB/in/secret.html',
      'http://x/sub/in/secret.html',
      'http://x/sub//in/secret.html',
    ];
    const answers = await Promise.all(spellings.map((spelling) => exchange(web, get(spelling))));
    for (const [at, said] of answers.entries()) {
      expect(said, spellings[at]).not.toContain('secret');
      expect(statuses(said)[0], spellings[at]).toBeGreaterThanOrEqual(400);
    }
  });

  it('is not the front page by the name of its file', async () => {
    await using web = await WebWorld.create({ files, web: { routes: [{ match: '/', role: 'user' }] } });
    for (const path of ['/', '/index.html', '/%69ndex.html']) {
      expect((await web.get(path)).status, path).toBe(401);
    }
    const routes = [{ match: '/index.html' }, { match: '/', role: 'user' }];
    await using told = await WebWorld.create({ files, web: { routes } });
    expect((await told.get('/index.html')).status).toBe(200);
  });
});

describe('a file that was asked for a moment ago', () => {
  it('is redirected all the same, for who comes by another name', async () => {
    const redirect = [{ from: 'old.local', to: 'http://new.local' }];
    await using web = await WebWorld.create({ files: { 'a.txt': 'a' }, web: { redirect } });
    for (const turn of [1, 2]) {
      expect((await web.get('/a.txt', { host: 'new.local' })).status, String(turn)).toBe(200);
      expect((await web.get('/a.txt', { host: 'old.local' })).headers.location).toBe(
        'http://new.local/a.txt',
      );
    }
  });

  it('is no answer to a target of another host', async () => {
    await using web = await WebWorld.create({ files: { 'a.txt': 'a' } });
    expect(statuses(await exchange(web, get('http://x/a.txt')))).toEqual([200]);
    expect(statuses(await exchange(web, get('http://x/a.txt').replace('Host: x', 'Host: y')))).toEqual([400]);
  });

  it('is no reason not to speak another protocol on its connection', async () => {
    const upgrade =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    const prepare = (web: WebWorld) =>
      void web.actions.add({ path: '/socket', options: {}, socket: () => undefined });
    await using web = await WebWorld.create({ files: { 'a.txt': 'a' }, prepare });
    const said = await exchange(web, get('/a.txt'), get('/a.txt'), get('/socket', upgrade));
    expect(statuses(said)).toEqual([200, 200, 101]);
  });
});

describe('a client that asks for many large files, and reads none', () => {
  const open = async () => (await readdir('/proc/self/fd')).length;

  it('has one of them open at a time, and none when it has gone', async () => {
    await using web = await WebWorld.create({ files: { 'big.bin': 'x'.repeat(8_000_000) } });
    await web.get('/big.bin', {}, 'HEAD');
    const before = await open();
    const sockets = Array.from({ length: 4 }, () => connect(web.port, '127.0.0.1').pause());
    for (const socket of sockets) socket.on('error', () => undefined).write(get('/big.bin').repeat(12));
    // Both ends of each connection, and a file.
    await expect.poll(async () => (await open()) - before).toBeGreaterThanOrEqual(12);
    await delay(100);
    expect((await open()) - before).toBeLessThanOrEqual(16);
    for (const socket of sockets) socket.destroy();
    await expect.poll(open).toBeLessThanOrEqual(before);
    expect(web.warnings).toEqual([]);
  });

  it('gets them one after the other when it does', async () => {
    await using web = await WebWorld.create({ files: { 'big.bin': 'x'.repeat(400_000), 'a.txt': 'a' } });
    const writes = [Buffer.from((get('/big.bin') + get('/a.txt')).repeat(3))];
    const { received } = await sendRaw({ port: web.port }, { writes, patience: 500 });
    expect(statuses(received.toString('latin1'))).toEqual([200, 200, 200, 200, 200, 200]);
    expect(received.length).toBeGreaterThan(1_200_000);
  });
});

describe('a client that goes as soon as it has sent a file', () => {
  it('leaves nothing of it behind', async () => {
    const bytes = 'PUT /a.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nfile';
    await using web = await WebWorld.create({ web: { routes: [{ match: '', methods: ['GET', 'PUT'] }] } });
    // The first one loads what the others need.
    expect(statuses(await exchange(web, bytes))).toEqual([201]);
    for (let turn = 0; turn < 10; turn += 1) {
      connect(web.port, '127.0.0.1')
        .on('error', () => undefined)
        .resume()
        .end(bytes);
    }
    await expect.poll(() => web.get('/a.txt').then(({ status }) => status)).toBe(200);
    await expect.poll(() => readdir(web.directory.at('tmp'))).toEqual([]);
    // The route is warned of.
    expect(web.warnings).toHaveLength(1);
  });
});
