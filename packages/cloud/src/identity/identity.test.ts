import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ROLES, type Role } from '../http/principal.ts';
import type { Account } from './accounts.ts';
import { identityWorld } from './identity.fixture.ts';
import { LOGIN_LIFE } from './login.ts';

const PASSWORD = 'correct horse battery';

let world: Awaited<ReturnType<typeof identityWorld>>;
let account: Account;

beforeEach(async () => {
  world = await identityWorld();
  account = await world.accounts.create('Home', 'test');
});

afterEach(() => world[Symbol.asyncDispose]());

/** A user with that role, signed in. */
async function signedIn(
  role: Role,
  accountId = account.id,
): Promise<{ id: string; email: string; token: string }> {
  const email = `${role}-${Math.random()}@example.com`;
  const { id } = await world.users.create({ email, password: PASSWORD, accountId, role }, 'test');
  const { body } = await world.call('/user/login', { email, password: PASSWORD }, 'none');
  return { id, email, token: body.token ?? '' };
}

describe('signing in', () => {
  it('gives a token that proves who it is, until it ends or is given back', async () => {
    const { id, token } = await signedIn('user');
    expect((await world.call('/user/self', {}, token)).body).toMatchObject({ id, accountId: account.id });
    const second = await world.users.create(
      { email: 'x@y.z', password: PASSWORD, accountId: account.id, role: 'user' },
      't',
    );
    const other = (await world.call('/user/login', { email: 'X@Y.Z ', password: PASSWORD })).body.token ?? '';
    expect((await world.call('/user/logout', {}, other)).status).toBe(200);
    expect((await world.call('/user/self', {}, other)).status).toBe(401);
    expect(second.email).toBe('x@y.z');
    await world.clock.advance(LOGIN_LIFE);
    expect((await world.call('/user/self', {}, token)).body).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('ends everywhere when the password changes, however many logins there are', async () => {
    const { id: userId, token } = await signedIn('user');
    const facts = { type: 'login', role: 'user', accountId: account.id, userId } as const;
    const logins = await Promise.all(
      Array.from({ length: 1100 }, () => world.tokens.create(facts, LOGIN_LIFE)),
    );
    const newPassword = 'another horse battery';
    expect((await world.call('/user/password', { password: PASSWORD, newPassword }, token)).status).toBe(200);
    const valid = await Promise.all(logins.map((login) => world.tokens.lookUp(login.token)));
    expect(valid.filter(Boolean)).toEqual([]);
  });

  it('says the same for a wrong name and a wrong password, and the owner sees the attempt', async () => {
    const { email } = await signedIn('owner');
    const wrong = [
      await world.call('/user/login', { email, password: 'wrong password' }),
      await world.call('/user/login', { email: 'nobody@example.com', password: 'wrong password' }),
      await world.call('/user/login', { email: 'not even a name\0', password: '' }),
    ];
    expect(new Set(wrong.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(wrong[0]).toMatchObject({ status: 401, body: { code: 'LOGIN_FAILED' } });
    const { entries } = await world.audit.find({ accountId: account.id });
    expect(entries[0]).toMatchObject({ action: 'user.login-denied', address: '127.0.0.1' });
  });

  it('is limited for those who guess, also when they guess in parallel', async () => {
    const { email } = await signedIn('owner');
    const guesses = Array.from({ length: 15 }, () =>
      world.call('/user/login', { email, password: 'guess guess' }),
    );
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(5);
    await world.clock.advance(15 * 60_000);
    expect((await world.call('/user/login', { email, password: PASSWORD })).status).toBe(200);
  });

  it('keeps neither passwords nor tokens in the store', async () => {
    const { token } = await signedIn('owner');
    const { token: api } = (await world.call('/token/create', { type: 'cloudApi' })).body;
    const { items } = await world.store.query(`users#${account.id}`);
    expect(items[0]?.passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    for (const secret of [PASSWORD, token, String(api)]) {
      expect(JSON.stringify(items)).not.toContain(secret);
      expect(await world.store.get(`token#${secret}`, 'token')).toBeUndefined();
    }
  });
});

describe('roles', () => {
  it('decide who may look, and who may manage', async () => {
    const allowed: Record<string, Role[]> = {
      '/user/find': ['owner', 'admin', 'user', 'viewer'],
      '/account/update': ['owner', 'admin'],
      '/token/find': ['owner', 'admin'],
      '/account/create': [],
    };
    for (const role of ROLES) {
      const { token } = await signedIn(role);
      for (const [path, roles] of Object.entries(allowed)) {
        const body = path === '/account/create' ? { name: 'x' } : {};
        const { status } = await world.call(path, body, token);
        expect({ path, role, status }).toEqual({ path, role, status: roles.includes(role) ? 200 : 403 });
      }
    }
  });

  it('keep everybody in their own account', async () => {
    const other = await world.accounts.create('Other', 'test');
    const { token } = await signedIn('owner');
    for (const [path, body] of [
      ['/user/find', { accountId: other.id }],
      ['/account/get', { id: other.id }],
      ['/audit/find', { accountId: other.id }],
      ['/user/create', { email: 'a@b.c', password: PASSWORD, role: 'user', accountId: other.id }],
      ['/token/create', { type: 'cloudApi', accountId: other.id }],
      ['/token/create', { type: 'builderApi' }],
    ] as const) {
      expect({ path, status: (await world.call(path, body, token)).status }).toEqual({ path, status: 403 });
    }
    expect((await world.call('/account/find', {}, token)).body.items).toEqual([account]);
  });

  it('let nobody make or change what stands above them', async () => {
    const owner = await signedIn('owner');
    const admin = await signedIn('admin');
    const make = { email: 'new@example.com', password: PASSWORD, role: 'owner' };
    expect((await world.call('/user/create', make, admin.token)).status).toBe(403);
    expect(
      (await world.call('/user/update', { id: owner.id, password: 'taken over' }, admin.token)).status,
    ).toBe(403);
    expect((await world.call('/user/remove', { id: owner.id }, admin.token)).status).toBe(403);
    expect((await world.call('/user/update', { id: admin.id, role: 'owner' }, admin.token)).status).toBe(403);
    expect((await world.call('/user/create', make, owner.token)).status).toBe(201);
  });

  it('take effect at once, and the last owner stays one', async () => {
    const owner = await signedIn('owner');
    const admin = await signedIn('admin');
    expect(
      (await world.call('/user/update', { id: owner.id, role: 'user' }, owner.token)).body,
    ).toMatchObject({
      code: 'LAST_OWNER',
    });
    await world.call('/user/update', { id: admin.id, role: 'viewer' }, owner.token);
    expect((await world.call('/token/find', {}, admin.token)).status).toBe(403);
    await world.call('/user/remove', { id: admin.id }, owner.token);
    expect((await world.call('/user/find', {}, admin.token)).status).toBe(401);
  });
});

it('two owners who demote each other at once leave one', async () => {
  const [a, b] = [await signedIn('owner'), await signedIn('owner')];
  const demote = (who: { id: string }, by: { token: string }) =>
    world.call('/user/update', { id: who.id, role: 'viewer' }, by.token);
  const statuses = (await Promise.all([demote(a, b), demote(b, a)])).map(({ status }) => status);
  expect(statuses.sort()).toEqual([200, 409]);
});

it('two who change an account at once both have their way', async () => {
  const selfClaim = { enabled: true, products: ['P'] };
  await Promise.all([
    world.call('/account/update', { id: account.id, name: 'Renamed' }),
    world.call('/account/update', { id: account.id, selfClaim }),
  ]);
  expect(await world.accounts.require(account.id)).toMatchObject({ name: 'Renamed', selfClaim });
});

describe('an account of more than a thousand', () => {
  it('users shows them all, and finds the other owner behind them', async () => {
    const [first, second] = [await signedIn('owner'), await signedIn('owner')];
    const user = { email: 'x@example.com', accountId: account.id, role: 'viewer', created: '' };
    const crowd = Array.from({ length: 1100 }, (_, n) => `00${String(n).padStart(4, '0')}`);
    await world.store.write(
      crowd.map((id) => ({ put: { pk: `users#${account.id}`, sk: id, id, ...user, passwordHash: 'x' } })),
    );
    expect(await world.users.list(account.id)).toHaveLength(1102);
    const demoted = await world.call('/user/update', { id: second.id, role: 'viewer' }, first.token);
    expect(demoted.status).toBe(200);
  });

  it('tokens shows them all', async () => {
    const facts = { type: 'cloudApi', role: 'viewer', accountId: account.id } as const;
    await Promise.all(Array.from({ length: 1100 }, () => world.tokens.create(facts)));
    expect(await world.tokens.list(facts)).toHaveLength(1100);
  });
});

describe('users', () => {
  it('have a name of their own, and a password that is not weak', async () => {
    const make = { email: 'A@example.com', password: PASSWORD, role: 'user', accountId: account.id };
    expect((await world.call('/user/create', make)).status).toBe(201);
    const again = await world.call('/user/create', { ...make, email: ' a@EXAMPLE.com' });
    expect(again).toMatchObject({ status: 409, body: { code: 'EMAIL_TAKEN' } });
    const weak = await world.call('/user/create', { ...make, email: 'b@example.com', password: 'short' });
    expect(weak.body).toMatchObject({ code: 'PASSWORD_UNSUITABLE' });
    const nameless = await world.call('/user/create', { ...make, email: 'nobody' });
    expect(nameless.body).toMatchObject({ code: 'EMAIL_MALFORMED' });
    const homeless = await world.call('/user/create', { ...make, email: 'c@d.e', accountId: 'elsewhere' });
    expect(homeless.body).toMatchObject({ code: 'ACCOUNT_UNKNOWN' });
  });

  it('change their own password with the old one, which ends their logins', async () => {
    const { email, token } = await signedIn('viewer');
    const change = { password: 'wrong', newPassword: 'another long one' };
    expect((await world.call('/user/password', change, token)).status).toBe(403);
    expect((await world.call('/user/password', { ...change, password: PASSWORD }, token)).status).toBe(200);
    expect((await world.call('/user/self', {}, token)).status).toBe(401);
    expect((await world.call('/user/login', { email, password: 'another long one' })).status).toBe(200);
  });
});

describe('a password', () => {
  it('is as limited to guess for who holds a login as for a stranger', async () => {
    const { email, token } = await signedIn('user');
    const change = { password: 'guess guess', newPassword: 'another long one' };
    const guesses = Array.from({ length: 15 }, () => world.call('/user/password', change, token));
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 403)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(5);
    expect((await world.call('/user/login', { email, password: PASSWORD })).status).toBe(429);
  });

  it('that changed ends its logins although a power cut kept them from being swept', async () => {
    const { id, token } = await signedIn('user');
    await world.users.update(account.id, id, { role: 'viewer' }, 'test');
    expect((await world.call('/user/self', {}, token)).status).toBe(200);
    await world.users.update(account.id, id, { password: 'another long one' }, 'test');
    expect(await world.tokens.lookUp(token)).toBeDefined();
    expect((await world.call('/user/self', {}, token)).status).toBe(401);
  });

  it('that changed while it was checked gives no login that works, nor another change', async () => {
    const { id, email } = await signedIn('user');
    const checked = await world.users.verify(email, PASSWORD);
    await world.users.update(account.id, id, { password: 'another long one' }, 'test');
    await world.tokens.removeLogins(id);
    const { credential } = checked ?? {};
    const facts = { type: 'login', role: 'user', accountId: account.id, userId: id, credential } as const;
    const { token } = await world.tokens.create(facts, LOGIN_LIFE);
    expect((await world.call('/user/self', {}, token)).status).toBe(401);
    await expect(
      world.users.update(account.id, id, { password: 'a thief has this', credential }, 'test'),
    ).rejects.toMatchObject({ code: 'PASSWORD_CHANGED' });
  });
});

describe('API tokens', () => {
  it('of an account act for it alone; of the whole cloud for every account', async () => {
    const bound = (await world.call('/token/create', { type: 'cloudApi', accountId: account.id })).body;
    const free = (await world.call('/token/create', { type: 'cloudApi', name: 'ci' })).body;
    expect((await world.call('/tok/user/find', {}, String(bound.token))).status).toBe(200);
    expect((await world.call('/tok/account/create', { name: 'x' }, String(bound.token))).status).toBe(403);
    expect((await world.call('/tok/user/find', { accountId: account.id }, String(free.token))).status).toBe(
      200,
    );
    expect((await world.call('/tok/user/find', {}, String(free.token))).body).toMatchObject({
      code: 'ACCOUNT_MISSING',
    });
    expect((await world.call('/tok/account/create', { name: 'x' }, String(free.token))).status).toBe(201);
  });

  it.each(['builder', 'cloud', 'X#Y'])(
    'of the whole cloud reach no list by naming %s an account',
    async (name) => {
      const made = (await world.call('/token/create', { type: 'cloudApi', role: 'owner' })).body;
      for (const path of ['/tok/audit/find', '/tok/token/find', '/tok/user/find', '/tok/token/remove']) {
        const answer = await world.call(path, { accountId: name, id: made.id }, String(made.token));
        expect([path, answer.status, answer.body.code]).toEqual([path, 404, 'ACCOUNT_UNKNOWN']);
      }
      expect((await world.call('/tok/account/find', {}, String(made.token))).status).toBe(200);
    },
  );

  it('end when they expire, and when they are removed', async () => {
    const made = (
      await world.call('/token/create', { type: 'cloudApi', accountId: account.id, life: '2 days' })
    ).body;
    const use = async () => (await world.call('/tok/user/find', {}, String(made.token))).status;
    await world.clock.advance(2 * 86_400_000 - 1);
    expect(await use()).toBe(200);
    await world.clock.advance(1);
    expect(await use()).toBe(401);
    const other = (await world.call('/token/create', { type: 'cloudApi', accountId: account.id })).body;
    const listed = (await world.call('/token/find', { accountId: account.id })).body;
    expect(JSON.stringify(listed)).not.toContain(other.token);
    expect((await world.call('/token/remove', { id: other.id, accountId: account.id })).status).toBe(200);
    expect((await world.call('/tok/user/find', {}, String(other.token))).status).toBe(401);
    expect((await world.call('/token/create', { type: 'cloudApi', life: 'soon' })).body).toMatchObject({
      code: 'REQUEST_INVALID',
    });
  });

  it('do not go beyond the role they were made with', async () => {
    const viewer = (
      await world.call('/token/create', { type: 'cloudApi', accountId: account.id, role: 'viewer' })
    ).body;
    expect((await world.call('/tok/user/find', {}, String(viewer.token))).status).toBe(200);
    expect((await world.call('/tok/account/update', { name: 'x' }, String(viewer.token))).status).toBe(403);
  });

  it('that are made up, or the admin key of another cloud, open nothing', async () => {
    for (const token of ['ioto_admin_of-another', 'ioto_login_x', 'x', '']) {
      expect((await world.call('/user/find', { accountId: account.id }, token)).status).toBe(401);
    }
  });
});

describe('the first start', () => {
  it('makes an owner once, and a new password when a power cut kept the first from being seen', async () => {
    await world.firstLogin.start();
    const first = world.firstLogin.made;
    expect(first?.password).toMatch(/^[a-z2-9]{5}(-[a-z2-9]{5}){3}$/);
    expect((await world.call('/user/login', { email: first?.email, password: first?.password })).status).toBe(
      200,
    );
    await world.firstLogin.stop();
    await world.firstLogin.start();
    expect(world.firstLogin.made).toBeUndefined();

    await world.store.write([
      { put: { pk: 'first-login', sk: 'first-login', accountId: first?.accountId, done: false } },
    ]);
    await world.firstLogin.start();
    const second = world.firstLogin.made;
    expect(second?.accountId).toBe(first?.accountId);
    expect(
      (await world.call('/user/login', { email: second?.email, password: second?.password })).status,
    ).toBe(200);
    expect((await world.call('/user/login', { email: first?.email, password: first?.password })).status).toBe(
      401,
    );
  });
});

describe('the audit record', () => {
  it('tells who changed what, latest first, by page', async () => {
    const { token } = await signedIn('owner');
    await world.call('/account/update', { selfClaim: { enabled: true, products: ['P'] } }, token);
    const page = (await world.call('/audit/find', { limit: 2 }, token)).body as unknown as {
      items: { action: string; actor: string }[];
      next: string;
    };
    expect(page.items[0]).toMatchObject({
      action: 'account.updated',
      details: { selfClaim: { enabled: true } },
    });
    expect(page.items[0]?.actor).toMatch(/^user:/);
    const rest = (await world.call('/audit/find', { next: page.next }, token)).body as unknown as typeof page;
    expect(rest.items.map(({ action }) => action)).toEqual(['account.created']);
  });
});
