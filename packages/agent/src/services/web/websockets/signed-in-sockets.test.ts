import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request as requestTls } from 'node:https';
import { until, VirtualClock } from '@ioto/testkit';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Browser } from '../auth/browser.fixture.ts';
import { cheapPasswords } from '../passwords/cheap-passwords.fixture.ts';
import type { EventStream, WebSocketPeer } from '../web-api.ts';
import { WebWorld } from '../web-world.fixture.ts';

const PASSWORD = 'correct horse';
const hash = await cheapPasswords().hash(PASSWORD);
const users = { ann: { password: hash, role: 'admin' }, bob: { password: hash, role: 'user' } };
const authorization = `Basic ${Buffer.from(`ann:${PASSWORD}`).toString('base64')}`;

/** A console for admins at /console, and what happens at /live for whoever signed in; the clock stands, and so no ping goes out. */
async function device(web: Record<string, unknown> = {}) {
  const peers: WebSocketPeer[] = [];
  const streams: EventStream[] = [];
  const world = await WebWorld.create({
    clock: new VirtualClock(Date.now()),
    web: { auth: { users, requireTlsForBasic: false }, ...web },
    prepare: ({ actions }) => {
      actions.add({
        path: '/console',
        options: { role: 'admin' },
        socket: (peer) => {
          peers.push(peer);
          peer.onMessage((message) => void peer.send(message));
        },
      });
      actions.add({
        path: '/live',
        options: { role: 'user' },
        handler: (asked) => void streams.push(asked.events()),
      });
    },
  });
  return { world, peers, streams };
}

function open(world: WebWorld, headers: Record<string, string>, ca?: string): WebSocket {
  const url = `${world.url.replace('http', 'ws')}console`;
  return new WebSocket(url, { headers, ...(ca !== undefined && { ca }) });
}

async function refusal(client: WebSocket): Promise<number> {
  client.on('error', () => undefined);
  const [, response] = await once(client, 'unexpected-response');
  client.terminate();
  return response.statusCode;
}

async function cookieOf(browser: Browser, username: string): Promise<{ cookie: string }> {
  await browser.login(username, PASSWORD);
  return { cookie: [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
}

describe('a WebSocket that needs a role', () => {
  it('is opened by the session of who has it, and of nobody else', async () => {
    const { world, peers } = await device();
    await using _ = world;
    expect(await refusal(open(world, {}))).toBe(401);
    expect(await refusal(open(world, await cookieOf(new Browser(world), 'bob')))).toBe(403);
    const client = open(world, await cookieOf(new Browser(world), 'ann'));
    await once(client, 'open');
    expect([peers[0]?.username, peers[0]?.role, peers[0]?.may('user')]).toEqual(['ann', 'admin', true]);
    client.terminate();
  });

  it('is opened over TLS as well, by pages of the device over TLS', async () => {
    const { world } = await device({ listen: 'https://127.0.0.1:0' });
    await using _ = world;
    const ca = await readFile(world.directory.at('certs', 'web.crt'), 'utf8');
    const cookie = await new Promise<string>((resolve, reject) => {
      const body = JSON.stringify({ username: 'ann', password: PASSWORD });
      const headers = { 'content-type': 'application/json', 'content-length': body.length };
      const url = new URL('/api/public/login', world.url);
      requestTls(url, { ca, headers, method: 'POST', agent: false }, (answer) => {
        answer.resume();
        resolve(answer.headers['set-cookie']?.[0]?.split(';')[0] ?? '');
      })
        .on('error', reject)
        .end(body);
    });
    expect(cookie).toMatch(/^__Host--web-session-=/);
    const origin = world.url.slice(0, -1);
    const client = open(world, { cookie, origin }, ca);
    await once(client, 'open');
    client.send('over TLS');
    expect(String((await once(client, 'message'))[0])).toBe('over TLS');
    client.terminate();
    expect(await refusal(open(world, { cookie, origin: origin.replace('https', 'http') }, ca))).toBe(403);
  });
});

async function lowered({ users }: WebWorld): Promise<void> {
  await users.put({ username: 'boss', password: 'a third horse', role: 'super' });
  await users.put({ username: 'ann', role: 'user' });
}

describe('what lasts ends at once', () => {
  it.each<[string, (world: WebWorld, browser: Browser) => Promise<unknown>]>([
    ['signs out', (_, browser) => browser.post('/api/public/logout')],
    ['signs in anew', (_, browser) => browser.login('ann', PASSWORD)],
    ['gets another role', lowered],
    ['gets another password', ({ users }) => users.put({ username: 'ann', password: 'another horse' })],
  ])('when who began it %s', async (_what, change) => {
    const { world, streams } = await device();
    await using _ = world;
    const browser = new Browser(world);
    const headers = await cookieOf(browser, 'ann');
    const client = open(world, headers);
    await once(client, 'open');
    const closed = once(client, 'close');
    const other = world.get('/live', await cookieOf(new Browser(world), 'bob')).catch(() => undefined);
    const heard = world.get('/live', headers);
    await until('both listen', () => streams.length === 2, { every: 2 });
    await change(world, browser);
    expect((await closed)[0]).toBe(1008);
    expect((await heard).status).toBe(200);
    expect(streams.map(({ isOpen }) => isOpen).sort()).toEqual([false, true]);
    await world.stop();
    await other;
  });

  it('when it was begun without a session, too', async () => {
    const { world, streams } = await device({ routes: [{ authType: 'basic' }] });
    await using _ = world;
    const client = open(world, { authorization });
    await once(client, 'open');
    const heard = world.get('/live', { authorization });
    await until('it listens', () => streams.length === 1, { every: 2 });
    const closed = once(client, 'close');
    await world.users.put({ username: 'ann', password: 'another horse' });
    expect((await closed)[0]).toBe(1008);
    expect((await heard).status).toBe(200);
  });
});
