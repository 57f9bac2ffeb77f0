import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { compileSchema, Database } from '@ioto/database';
import { silentLogger } from '@ioto/runtime';
import { VirtualClock } from '@ioto/testkit';
import { describe, expect, it } from 'vitest';
import { networkOf } from '../network.ts';
import { cheapPasswords } from '../passwords/cheap-passwords.fixture.ts';
import { WebWorld, type WebWorldOptions } from '../web-world.fixture.ts';
import { Browser } from './browser.fixture.ts';

const PASSWORD = 'correct horse';
const hash = await cheapPasswords().hash(PASSWORD);
const files = { 'a.html': 'a' };
const old = (username: string, password = PASSWORD) =>
  `SHA256:${createHash('sha256').update(`${username}:ioto:${password}`).digest('hex')}`;

function site(auth: Record<string, unknown> = {}, more: Partial<WebWorldOptions> = {}): Promise<WebWorld> {
  const routes = [{ match: '/a.html', role: 'user' }];
  return WebWorld.create({ files, web: { routes, auth }, ...more });
}

const stored = async (web: WebWorld) =>
  JSON.parse(await readFile(web.directory.at('config', 'users.json5'), 'utf8')).users;

describe('a user of web.json5 with an old hash', () => {
  it('has one of today once it has signed in, and the file of the maker stays as it is', async () => {
    await using web = await site({ users: { bob: { password: old('bob'), role: 'user' } } });
    const browser = new Browser(web);
    await browser.login('bob', 'wrong');
    await expect(stored(web)).rejects.toThrow('ENOENT');
    expect((await browser.login('bob', PASSWORD)).status).toBe(200);
    const { bob } = await stored(web);
    expect(bob).toEqual({
      password: expect.stringMatching(/^\$argon2id\$/),
      replaces: createHash('sha256').update(old('bob')).digest('hex'),
    });
    expect((await browser.login('bob', PASSWORD)).status).toBe(200);
    expect((await stored(web)).bob).toEqual(bob);
    expect(await web.users.list()).toEqual([{ username: 'bob', role: 'user' }]);
  });

  it('is the maker’s again when the maker changes the password, and gone when the maker takes it out', async () => {
    await using web = await site({ users: { bob: { password: old('bob', 'new'), role: 'user' } } });
    const entry = { password: hash, replaces: createHash('sha256').update(old('bob')).digest('hex') };
    await mkdir(web.directory.at('config'), { recursive: true });
    const users = { bob: entry, eve: entry };
    await writeFile(web.directory.at('config', 'users.json5'), JSON.stringify({ users }));
    const browser = new Browser(web);
    expect((await browser.login('bob', PASSWORD)).status).toBe(401);
    expect((await browser.login('eve', PASSWORD)).status).toBe(401);
    expect((await browser.login('bob', 'new')).status).toBe(200);
  });

  it('is let in even if the new hash cannot be kept', async () => {
    await using web = await site({ users: { bob: { password: old('bob'), role: 'user' } } });
    const browser = new Browser(web);
    await browser.get('/api/public/login');
    await writeFile(web.directory.at('config'), 'a file where the directory should be');
    expect((await browser.login('bob', PASSWORD)).status).toBe(200);
  });
});

describe('agent.web.users', () => {
  const auth = { users: { ann: { password: hash, role: 'admin' } } };

  it('adds users, changes them and takes them away, and what they were signed in with ends', async () => {
    await using web = await site(auth);
    await web.users.put({ username: 'bob', password: PASSWORD, role: 'user' });
    const browser = new Browser(web);
    const see = async () => (await browser.get('/a.html')).status;
    await browser.login('bob', PASSWORD);
    expect(await see()).toBe(200);
    await web.users.put({ username: 'bob', role: 'public' });
    expect(await see()).toBe(401);
    await browser.login('bob', PASSWORD);
    expect(await see()).toBe(403);
    await web.users.put({ username: 'bob', password: 'another horse', role: 'user' });
    expect((await browser.login('bob', PASSWORD)).status).toBe(401);
    await browser.login('bob', 'another horse');
    expect(await see()).toBe(200);
    await web.users.remove('bob');
    expect(await see()).toBe(401);
    expect(await web.users.list()).toEqual([{ username: 'ann', role: 'admin' }]);
  });

  it('tells whether a password is right, as often as it may be tried', async () => {
    await using web = await WebWorld.create();
    await web.users.put({ username: 'ann', password: 'correct horse', role: 'super' });
    const verify = (password: string) => web.users.verify('ann', password, '192.0.2.1');
    expect(await verify('correct horse')).toBe(true);
    for (let turn = 0; turn < 5; turn += 1) expect(await verify('wrong')).toBe(false);
    await expect(verify('correct horse')).rejects.toMatchObject({ code: 'WEB_ATTEMPTS' });
    // The same count holds for who signs in from there.
    expect(await web.users.verify('ann', 'correct horse', '192.0.2.2')).toBe(true);
  });

  it('leaves nobody without one who may most, until the last one goes', async () => {
    await using web = await WebWorld.create({ web: { routes: [{ match: '/a/', role: 'user' }] } });
    const { users } = web;
    const password = 'correct horse';
    await users.put({ username: 'ann', password, role: 'super' });
    await users.put({ username: 'bob', password, role: 'user' });
    const last = { code: 'WEB_LAST_USER', status: 409 };
    await expect(users.remove('ann')).rejects.toMatchObject(last);
    await expect(users.put({ username: 'ann', role: 'user' })).rejects.toMatchObject(last);
    await expect(users.remove('carl')).rejects.toMatchObject({ code: 'WEB_USER' });
    await users.put({ username: 'ann', password: 'another horse' });
    await users.remove('bob');
    await users.remove('ann');
    expect(await users.list()).toEqual([]);
  });

  it('changes users of web.json5, whose role goes on being said there', async () => {
    await using web = await site(auth);
    await web.users.put({ username: 'ann', password: 'another horse' });
    expect((await stored(web)).ann).not.toHaveProperty('role');
    await web.users.put({ username: 'boss', password: 'a third horse', role: 'super' });
    await web.users.put({ username: 'ann', role: 'user' });
    expect(await web.users.list()).toContainEqual({ username: 'ann', role: 'user' });
    expect((await new Browser(web).login('ann', 'another horse')).status).toBe(200);
    await expect(web.users.remove('ann')).rejects.toMatchObject({ code: 'WEB_USER' });
  });

  it.each([
    [{ username: '', password: PASSWORD, role: 'user' }, /username/],
    [{ username: 'a:b', password: PASSWORD, role: 'user' }, /username/],
    [{ username: ' a', password: PASSWORD, role: 'user' }, /username/],
    [{ username: 'a\nb', password: PASSWORD, role: 'user' }, /username/],
    [{ username: 'x'.repeat(65), password: PASSWORD, role: 'user' }, /username/],
    [{ username: 'bob', password: 'short', role: 'user' }, /password: must have 10/],
    [{ username: 'bob', role: 'user' }, /password: a new user needs one/],
    [{ username: 'bob', password: PASSWORD }, /role: must be one of public, user/],
    [{ username: 'ann', role: 'king' }, /role: must be one of/],
    [{ username: 'longusername', password: 'LongUserName', role: 'user' }, /name of the device or the user/],
  ])('says what is wrong with %j', async (user, problem) => {
    await using web = await site(auth);
    await expect(web.users.put(user)).rejects.toThrow(problem);
    await expect(web.users.put(user)).rejects.toMatchObject({ code: 'WEB_USER', status: 400 });
  });
});

describe('users in the database', () => {
  const key = { type: 'string', value: 'user#${username}' };
  const schema = (process: Record<string, unknown> = {}, fields: Record<string, unknown> = {}) => ({
    ...{ format: 'onetable:1.1.0', version: '0.0.1' },
    params: { timestamps: true, isoDates: true, updatedField: 'updated' },
    indexes: { primary: { hash: 'pk', sort: 'sk' } },
    models: {
      User: {
        ...{ pk: { type: 'string', value: 'user#' }, sk: key, username: { type: 'string', required: true } },
        ...{ password: { type: 'string', hidden: true }, role: { type: 'string' }, ...fields },
      },
    },
    process: { User: { sync: 'none', ...process } },
  });

  function databaseOf(definition: object, directory: string): Promise<Database> {
    const parts = { logger: silentLogger, clock: new VirtualClock() };
    return Database.open({ schema: compileSchema(definition), directory, ...parts });
  }

  it('are those of the model User, and sign in with what stands there', async () => {
    await using web = await site();
    web.database = await databaseOf(schema({}, { note: { type: 'string' } }), web.directory.at('db'));
    const browser = new Browser(web);
    expect((await browser.login('ann', PASSWORD)).status).toBe(200);
    const item = web.database.get('User', { username: 'ann' }, { hidden: true });
    expect(item).toMatchObject({ role: 'super', password: expect.stringMatching(/^\$argon2id\$/) });
    await web.database.create('User', { username: 'bob', password: old('bob'), role: 'user' });
    const bob = new Browser(web);
    expect((await bob.login('bob', PASSWORD)).status).toBe(200);
    const upgraded = web.database.get<{ password: string }>('User', { username: 'bob' }, { hidden: true });
    expect(upgraded?.password).toMatch(/^\$argon2id\$/);
    await web.database.update('User', { username: 'bob', note: 'of no matter' });
    expect((await bob.get('/a.html')).status).toBe(200);
    await web.database.update('User', { username: 'bob', role: 'public' });
    expect((await bob.get('/a.html')).status).toBe(401);
    await web.users.remove('bob');
    expect((await web.users.list()).map(({ username }) => username)).toEqual(['ann']);
    await web.database.close();
  });

  it.each([
    [schema({ sync: 'up' }), /is 'database', and the model User is synced/],
    [schema({ durability: 'mem' }), /User is kept in memory/],
  ])('are refused where the model cannot keep them', async (definition, problem) => {
    const { keepsUsers } = await import('./database-users.ts');
    const complain = (path: string[], text: string) => new Error(`${path.join('.')}: ${text}`);
    await using web = await site();
    const database = await databaseOf(definition, web.directory.at('db'));
    expect(() => keepsUsers('database', database, complain)).toThrow(problem);
    expect(keepsUsers('auto', database, complain)).toBe(false);
    expect(keepsUsers('file', database, complain)).toBe(false);
    await database.close();
    expect(() => keepsUsers('database', undefined, complain)).toThrow(/the service database is off/);
  });
});

describe('who tries passwords', () => {
  const auth = { users: { ann: { password: hash, role: 'user' } } };

  it('has five attempts a minute, be they one after the other or at once', async () => {
    const clock = new VirtualClock();
    await using web = await site(auth, { clock });
    const failed: unknown[] = [];
    web.events.on('web:sign-in-failed', (facts) => failed.push(facts));
    const browser = new Browser(web);
    const tries = await Promise.all(Array.from({ length: 8 }, () => browser.login('ann', 'wrong')));
    expect(tries.map(({ status }) => status).sort()).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
    const { status, headers } = await browser.login('ann', PASSWORD);
    expect([status, headers['retry-after']]).toEqual([429, '60']);
    expect(failed).toEqual([{ address: '127.0.0.1', count: 1 }]);
    await clock.advance(60_000);
    expect((await browser.login('ann', PASSWORD)).status).toBe(200);
    await browser.login('ann', 'wrong');
    expect(failed.at(-1)).toEqual({ address: '127.0.0.1', count: 5 });
  });

  it('is not held up by passwords that were right', async () => {
    await using web = await site(auth);
    for (let each = 0; each < 7; each += 1) {
      expect((await new Browser(web).login('ann', PASSWORD)).status, String(each)).toBe(200);
    }
  });

  it('is not held up by strangers where it has signed in before', async () => {
    await using web = await site({ ...auth, attempts: { perAddress: 3, perUser: 3 } });
    const [owner, stranger] = [new Browser(web), new Browser(web, '127.0.0.2')];
    expect((await owner.login('ann', PASSWORD)).status).toBe(200);
    for (const status of [401, 401, 401, 429])
      expect((await stranger.login('ann', 'wrong')).status).toBe(status);
    expect((await new Browser(web, '127.0.0.3').login('ann', PASSWORD)).status).toBe(429);
    for (const status of [401, 401, 401, 429])
      expect((await owner.login('ann', 'wrong')).status).toBe(status);
    await using other = await site({ ...auth, attempts: { perAddress: 3, perUser: 3 } });
    const again = new Browser(other);
    await again.login('ann', PASSWORD);
    for (const status of [401, 401, 401])
      expect((await new Browser(other, '127.0.0.2').login('ann', 'wrong')).status).toBe(status);
    expect((await again.login('ann', PASSWORD)).status).toBe(200);
  });

  it('is held up for one user too, from wherever', async () => {
    await using web = await site({ ...auth, attempts: { perAddress: 100, perUser: 2 } });
    const browser = new Browser(web);
    for (const status of [401, 401, 429]) expect((await browser.login('ann', 'wrong')).status).toBe(status);
    expect((await browser.login('bob', 'wrong')).status).toBe(401);
  });

  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:0:1:2:3:4:5', '2001:db8:0:1::/64'],
    ['2001:0db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
  ])('from %s counts as %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});

describe('users of web.json5 that cannot be meant', () => {
  it.each([
    [
      { users: { ann: { password: 'secret', role: 'user' } } },
      /auth\.users\.ann\.password: is no hash.*ioto web password/,
    ],
    [{ users: { ann: { password: hash, role: 'king' } } }, /auth\.users\.ann\.role: there is no role king/],
    [{ users: { ann: { password: hash } } }, /auth\.users\.ann\.role: must be one of public/],
    [{ realm: 'a"b', users: { ann: { password: hash, role: 'user' } } }, /auth\.realm/],
    [{ login: 'login' }, /auth\.login: must be a path/],
    [{ login: '/x', logout: '/x' }, /auth\.logout: must be another path/],
    [{ secret: 'short' }, /auth\.secret: must have 16/],
    [{ store: 'database' }, /auth\.store: is 'database', and the service database is off/],
  ])('are an error at the start: %j', async (auth, problem) => {
    await expect(site(auth)).rejects.toThrow(problem);
  });
});
