import { readFile, stat } from 'node:fs/promises';
import { VirtualClock } from '@ioto/testkit';
import { describe, expect, it, vi } from 'vitest';
import { makeSettings } from '../../../config-loading/settings.ts';
import { cheapPasswords } from '../passwords/cheap-passwords.fixture.ts';
import { WebWorld } from '../web-world.fixture.ts';
import { Browser } from './browser.fixture.ts';
import { Door } from './door.ts';

const PASSWORD = 'correct horse';
const hash = await cheapPasswords().hash(PASSWORD);
const files = { 'index.html': 'home', 'login.html': 'login', 'sub/a.html': 'a', 'sub/b.html': 'b' };
const routes = [
  { match: '/sub/a.html', role: 'admin', redirect: '/login.html' },
  { match: '/sub/', role: 'user', redirect: '/login.html' },
  { match: '/api/user/', handler: 'action', role: 'user' },
];
const users = {
  ann: { password: hash, role: 'user' },
  bob: { password: hash, roles: ['user', 'admin'] },
};
const page = { accept: 'text/html,*/*' };

function site(web: Record<string, unknown> = {}, clock?: VirtualClock): Promise<WebWorld> {
  return WebWorld.create({ files, web: { routes, auth: { users }, ...web }, ...(clock && { clock }) });
}

describe('a page that needs a role', () => {
  it('is shown to who signs in, after a detour over the login page', async () => {
    await using web = await site();
    const browser = new Browser(web);
    expect(await browser.get('/sub/b.html?x=1', page)).toMatchObject({
      status: 302,
      headers: { location: '/login.html?next=%2Fsub%2Fb.html%3Fx%3D1' },
    });
    const answer = await browser.post('/api/public/login', {
      form: { username: 'ann', password: PASSWORD, next: '/sub/b.html?x=1' },
    });
    expect(answer).toMatchObject({ status: 303, headers: { location: '/sub/b.html?x=1' } });
    expect(answer.headers['set-cookie']?.[0]).toMatch(
      /^-web-session-=[\w-]{22}; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    expect(await browser.get('/sub/b.html')).toMatchObject({ status: 200, text: 'b' });
    expect(await browser.get('/sub/a.html', page)).toMatchObject({ status: 403 });
    expect(await browser.post('/api/public/logout', { form: {} })).toMatchObject({
      status: 303,
      headers: { location: '/' },
    });
    expect(browser.cookies.size).toBe(0);
    expect((await browser.get('/sub/b.html')).status).toBe(401);
  });

  it('is a 401 for programs, and for a login page that would send to itself', async () => {
    const loop = [{ match: '', role: 'user', redirect: '/login.html' }];
    await using web = await site({ routes: loop });
    const { status, text } = await new Browser(web).get('/index.html', { accept: 'application/json' });
    expect([status, JSON.parse(text).error.code]).toEqual([401, 'WEB_SIGN_IN']);
    expect((await new Browser(web).get('/login.html', page)).status).toBe(401);
  });

  it('is nothing for a website that lets its own name point at the device', async () => {
    await using web = await site();
    const browser = new Browser(web);
    await browser.login('ann', PASSWORD);
    for (const path of ['/sub/b.html', '/api/public/login']) {
      expect((await browser.get(path, { host: 'evil.example.com' })).status, path).toBe(421);
    }
    expect((await browser.get('/sub/b.html', { host: 'lamp.local' })).status).toBe(200);
  });

  it('of a program needs all that route and action ask for', async () => {
    await using web = await site();
    web.actions.add({ path: '/api/user/x', options: { role: 'admin', xsrf: false }, handler: () => 1 });
    const [ann, bob] = [new Browser(web), new Browser(web)];
    await ann.login('ann', PASSWORD);
    await bob.login('bob', PASSWORD);
    const asked = [
      await new Browser(web).get('/api/user/x'),
      await ann.get('/api/user/x'),
      await bob.get('/api/user/x'),
    ];
    expect(asked.map(({ status }) => status)).toEqual([401, 403, 200]);
  });
});

describe('who signs in', () => {
  it.each([[['user', 'admin']], [['admin', 'user']]])(
    'has of an older list of roles %j the highest',
    async (roles) => {
      await using web = await site({ auth: { users: { bob: { password: hash, roles } } } });
      expect(JSON.parse((await new Browser(web).login('bob', PASSWORD)).text).role).toBe('admin');
    },
  );

  it('is told who it is, and gets another session than the one before', async () => {
    await using web = await site();
    const browser = new Browser(web);
    const events: unknown[] = [];
    web.events.on('web:signed-in', (facts) => events.push(facts));
    const before = await browser.get('/api/public/login');
    expect(JSON.parse(before.text)).toEqual({ signedIn: false, setup: false });
    browser.cookies.set('-web-session-', 'planted');
    const answer = await browser.login('bob', PASSWORD);
    expect(answer.status).toBe(200);
    const told = JSON.parse(answer.text);
    expect(told).toMatchObject({
      username: 'bob',
      role: 'admin',
      xsrf: expect.stringMatching(/^[\w-]{22}$/),
    });
    const id = browser.cookies.get('-web-session-');
    expect(id).not.toBe('planted');
    expect(JSON.parse((await browser.get('/api/public/login')).text)).toEqual({
      ...{ signedIn: true, username: 'bob', role: 'admin', xsrf: told.xsrf, setup: false },
    });
    await browser.login('bob', PASSWORD);
    const old = new Browser(web);
    old.cookies.set('-web-session-', String(id));
    expect((await old.get('/sub/b.html')).status).toBe(401);
    expect(events).toEqual(Array(2).fill({ username: 'bob', role: 'admin', address: '127.0.0.1' }));
  });

  it('is let in by no cookie that is there twice', async () => {
    await using web = await site();
    const browser = new Browser(web);
    await browser.login('ann', PASSWORD);
    const id = browser.cookies.get('-web-session-');
    const cookie = `-web-session-=${id}; a=b; -web-session-=${id}`;
    expect((await new Browser(web).get('/sub/b.html', { cookie })).status).toBe(401);
  });

  it('stays so while it comes back, and for half a day at most', async () => {
    const clock = new VirtualClock();
    await using web = await site({}, clock);
    const browser = new Browser(web);
    await browser.login('ann', PASSWORD);
    for (let minutes = 0; minutes < 12 * 60; minutes += 29) {
      expect((await browser.get('/sub/b.html')).status).toBe(200);
      await clock.advance(29 * 60_000);
    }
    expect((await browser.get('/sub/b.html')).status).toBe(401);
    await browser.login('ann', PASSWORD);
    await clock.advance(30 * 60_000);
    expect((await browser.get('/sub/b.html')).status).toBe(401);
  });

  it.each([
    ['//evil.example.com', '/'],
    ['/\\evil.example.com', '/'],
    ['https://evil.example.com', '/'],
    ['/\t/evil.example.com', '/'],
    ['', '/'],
    ['/ok?a=b', '/ok?a=b'],
  ])('is sent on to no other site (%j)', async (next, location) => {
    await using web = await site();
    const answer = await new Browser(web).post('/api/public/login', {
      form: { username: 'ann', password: PASSWORD, next },
    });
    expect(answer).toMatchObject({ status: 303, headers: { location } });
  });

  it('wrongly is told no more than that, on the page where it was', async () => {
    await using web = await site();
    const browser = new Browser(web);
    const texts = [
      await browser.login('ann', 'wrong password'),
      await browser.login('eve', 'wrong password'),
    ];
    expect(texts.map(({ status, text }) => [status, text])).toEqual(
      Array(2).fill([401, '{"error":{"code":"WEB_SIGN_IN","message":"wrong name or password"}}']),
    );
    const form = { username: 'ann', password: 'no' };
    const origin = web.url.replace(/\/$/, '');
    const from = (referer: string) => browser.post('/api/public/login', { form, headers: { referer } });
    expect(await from(`${origin}/login.html?next=/sub/`)).toMatchObject({
      status: 303,
      headers: { location: '/login.html?next=%2Fsub%2F&failed=1' },
    });
    expect((await from(`${origin}//evil.example.com/`)).status).toBe(401);
    expect((await from('http://evil.example.com/')).status).toBe(401);
    expect(browser.cookies.size).toBe(0);
  });

  it.each<[Parameters<Browser['post']>[1], number]>([
    [{ json: { username: 'ann' } }, 400],
    [{ json: { username: 'ann', password: ['x'] } }, 400],
    [{ json: [] }, 400],
    [{ headers: { 'content-type': 'text/plain' } }, 415],
    [{ json: { username: 'ann', password: 'long '.repeat(50) } }, 413],
    [{ json: { username: '__proto__', password: PASSWORD } }, 401],
    [{ json: { username: 'ann', password: PASSWORD }, headers: { 'sec-fetch-site': 'cross-site' } }, 403],
    [{ json: { username: 'ann', password: PASSWORD }, headers: { origin: 'http://evil.example.com' } }, 403],
  ])('by %j is refused with %i', async (sent, status) => {
    await using web = await site({ limits: { body: 200 } });
    expect((await new Browser(web).post('/api/public/login', sent)).status).toBe(status);
  });

  it('finds doors where the program knows users, though nothing of the settings asks for a role', async () => {
    await using web = await site({ routes: [], auth: {} });
    expect((await new Browser(web).get('/api/public/login')).status).toBe(404);
    await web.users.put({ username: 'ann', password: PASSWORD, role: 'user' });
    expect((await new Browser(web).login('ann', PASSWORD)).status).toBe(200);
  });

  it('finds doors only where something needs it, and by their methods', async () => {
    await using web = await site();
    const browser = new Browser(web);
    expect(await browser.send('/api/public/login', { method: 'DELETE' })).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD, POST, OPTIONS' },
    });
    expect((await browser.get('/api/public/logout')).status).toBe(405);
    expect((await browser.send('/api/public/login', { method: 'OPTIONS' })).status).toBe(204);
    const basic = routes.map((route) => ({ ...route, authType: 'basic' }));
    await using closed = await site({ routes: basic, sessions: { enable: false } });
    expect((await new Browser(closed).login('ann', PASSWORD)).status).toBe(405);
    await using open = await site({ routes: [], auth: {} });
    expect((await new Browser(open).get('/api/public/login')).status).toBe(404);
    expect((await new Browser(open).login('ann', PASSWORD)).status).toBe(405);
  });
});

describe('what changes something', () => {
  function addLamp(web: WebWorld): void {
    web.actions.add({ path: '/api/user/lamp', options: {}, handler: () => 'done' });
  }

  async function signedIn(web: WebWorld) {
    const browser = new Browser(web);
    await browser.login('ann', PASSWORD);
    const { headers } = await browser.get('/api/user/lamp');
    return { browser, token: String(headers['x-xsrf-token']) };
  }

  it('needs the token that pages are told', async () => {
    await using web = await site();
    addLamp(web);
    const { browser, token } = await signedIn(web);
    const post = async (sent: Parameters<Browser['post']>[1]) =>
      (await browser.post('/api/user/lamp', sent)).status;
    expect(await post({ json: {} })).toBe(400);
    expect(await post({ json: {}, headers: { 'x-xsrf-token': `${token.slice(0, -1)}_` } })).toBe(400);
    expect(await post({ json: {}, headers: { 'x-xsrf-token': '' } })).toBe(400);
    expect(await post({ json: {}, headers: { 'x-xsrf-token': `${token}_` } })).toBe(400);
    expect(await post({ json: {}, headers: { 'x-xsrf-token': token } })).toBe(200);
    expect(await post({ form: { a: 'b' } })).toBe(400);
    expect(await post({ form: { '-xsrf-': token } })).toBe(200);
    const other = await signedIn(web);
    expect(await post({ json: {}, headers: { 'x-xsrf-token': other.token } })).toBe(400);
  });

  it('needs none where the route says so', async () => {
    const open = [{ match: '/api/user/', handler: 'action', role: 'user', xsrf: false }];
    await using web = await site({ routes: open });
    addLamp(web);
    const { browser, token } = await signedIn(web);
    expect(token).toBe('undefined');
    expect((await browser.post('/api/user/lamp', { json: {} })).status).toBe(200);
  });
});

describe('a device without users', () => {
  const known = { username: 'ann', password: PASSWORD };

  it('is its own who comes first, with a password that is none of the device’s', async () => {
    await using web = await site({ auth: {} });
    const browser = new Browser(web);
    expect(JSON.parse((await browser.get('/api/public/login')).text)).toEqual({
      signedIn: false,
      setup: true,
    });
    for (const password of ['short', 'JT08FFQXWQ', 'password123', 'x'.repeat(1025)]) {
      const { status, text } = await browser.login('ann', password);
      expect([status, JSON.parse(text).error.code], password).toEqual([400, 'WEB_USER']);
    }
    expect((await browser.login('a:b', PASSWORD)).status).toBe(400);
    expect(await browser.login('ann', PASSWORD)).toMatchObject({ status: 200 });
    expect(JSON.parse((await browser.get('/api/public/login')).text)).toMatchObject({
      ...{ username: 'ann', role: 'super', setup: false },
    });
    const file = web.directory.at('config', 'users.json5');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).not.toContain(PASSWORD);
    expect((await new Browser(web).login('ann', 'another horse')).status).toBe(401);
    expect((await new Browser(web).login('bob', 'another horse')).status).toBe(401);
  });

  it('is taken by one of two who come at once', async () => {
    await using web = await site({ auth: {} });
    const both = await Promise.all(['ann', 'bob'].map((name) => new Browser(web).login(name, PASSWORD)));
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(await web.users.list()).toHaveLength(1);
  });

  it.each(['off', 'open', 'local'])('that says setup: %s', async (setup) => {
    await using web = await site({ auth: { setup } });
    const told = JSON.parse((await new Browser(web).get('/api/public/login')).text);
    expect(told.setup).toBe(setup !== 'off');
    expect((await new Browser(web).post('/api/public/login', { json: known })).status).toBe(
      setup === 'off' ? 401 : 200,
    );
  });

  it('that says setup: local is set up by nobody from elsewhere', async () => {
    const { web: settings } = makeSettings({ web: { auth: { setup: 'local' } } }, () => 'web.json5');
    const context = { web: settings, headers: {}, sessions: { find: () => undefined } } as never;
    const door = new Door(context, { users: { isEmpty: true } } as never);
    const setupFrom = async (address: string) => {
      const response = { req: {}, writeHead: () => undefined, end: vi.fn() };
      const request = { method: 'GET', path: settings.auth.login, address };
      await door.door(request as never, response as never);
      return JSON.parse(response.end.mock.calls[0]?.[0]).setup;
    };
    expect(await setupFrom('127.0.0.1')).toBe(true);
    expect(await setupFrom('::1')).toBe(true);
    for (const address of ['192.0.2.1', '::ffff:192.0.2.1', 'fe80::1', '']) {
      expect(await setupFrom(address), address).toBe(false);
    }
  });

  it('is not set up anew because its file of users is damaged', async () => {
    await using web = await site({ auth: {} });
    const { mkdir, writeFile } = await import('node:fs/promises');
    await mkdir(web.directory.at('config'), { recursive: true });
    await writeFile(web.directory.at('config', 'users.json5'), '{ users: {');
    expect((await new Browser(web).login('ann', PASSWORD)).status).toBe(500);
    await writeFile(web.directory.at('config', 'users.json5'), '{ users: { ann: 1 } }');
    expect((await new Browser(web).login('ann', PASSWORD)).status).toBe(500);
  });
});
