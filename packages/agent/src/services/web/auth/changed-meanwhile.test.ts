import { compileSchema, Database } from '@ioto/database';
import { Emitter, silentLogger } from '@ioto/runtime';
import { VirtualClock } from '@ioto/testkit';
import { describe, expect, it } from 'vitest';
import { Directory } from '../../../../test/world.ts';
import { layOutDirectories } from '../../../config-loading/directories.ts';
import { makeSettings } from '../../../config-loading/settings.ts';
import { cheapPasswords } from '../passwords/cheap-passwords.fixture.ts';
import type { Passwords } from '../passwords/password.ts';
import type { WebContext } from '../web-context.ts';
import { compileRoles, USUAL_ROLES } from './roles.ts';
import { SignIn } from './sign-in.ts';
import { UserStore } from './user-store.ts';
import { openUsers } from './users.ts';

const PASSWORD = 'correct horse';
const schema = compileSchema({
  ...{ format: 'onetable:1.1.0', version: '0.0.1', indexes: { primary: { hash: 'pk', sort: 'sk' } } },
  models: {
    User: {
      ...{ pk: { type: 'string', value: 'user#' }, sk: { type: 'string', value: 'user#${username}' } },
      ...{ username: { type: 'string', required: true }, role: { type: 'string' } },
      password: { type: 'string', hidden: true },
    },
  },
  process: { User: { sync: 'none' } },
});

/** Users on a disk, without a server before them. */
class Users {
  /** Whose sessions were ended. */
  readonly ended: string[] = [];
  readonly context: WebContext;
  readonly directory: Directory;
  readonly #store: Promise<UserStore>;

  private constructor(directory: Directory, database: Database | undefined) {
    this.directory = directory;
    const complain = (path: string[], problem: string) => new Error(`${path.join('.')}: ${problem}`);
    const endOf = (username: string) => void this.ended.push(username);
    this.context = {
      web: makeSettings({}, () => 'options').web,
      directories: layOutDirectories({ state: directory.at() }, {}),
      roles: compileRoles(USUAL_ROLES, complain),
      ...{ complain, clock: new VirtualClock(), logger: silentLogger, routes: [] },
      events: new Emitter(() => undefined),
      database: () => database,
      ...{ sessions: { endOf }, lasting: { endOf: () => undefined } },
      known: () => [],
      users: () => this.#store,
      passwords: async () => cheapPasswords(),
    } as unknown as WebContext;
    this.#store = UserStore.open(this.context);
  }

  static async create(withDatabase = false): Promise<Users> {
    const directory = await Directory.create();
    const parts = { schema, logger: silentLogger, clock: new VirtualClock() };
    const database = withDatabase
      ? await Database.open({ ...parts, directory: directory.at('db') })
      : undefined;
    const users = new Users(directory, database);
    await users.admin.put({ username: 'boss', password: 'a third horse', role: 'super' });
    await users.admin.put({ username: 'ann', password: PASSWORD, role: 'admin' });
    users.ended.length = 0;
    return users;
  }

  get admin() {
    return openUsers(this.context);
  }

  get store(): Promise<UserStore> {
    return this.#store;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.context.database()?.close();
    await this.directory[Symbol.asyncDispose]();
  }
}

describe('a user that changes while its password is being hashed', () => {
  async function signedIn(users: Users, meanwhile: () => Promise<void>) {
    const passwords = cheapPasswords();
    const slow = {
      verify: async (...asked: Parameters<Passwords['verify']>) => {
        const verdict = await passwords.verify(...asked);
        await meanwhile();
        return verdict;
      },
    };
    const signIn = new SignIn(users.context, await users.store, slow as Passwords);
    return signIn.check({ username: 'ann', password: PASSWORD, address: '192.0.2.1' });
  }

  it('is not let in by a password or a role of before', async () => {
    await using users = await Users.create();
    expect(await signedIn(users, async () => undefined)).toMatchObject({ role: 'admin' });
    expect(await signedIn(users, () => users.admin.put({ username: 'ann', role: 'user' }))).toBeUndefined();
    expect(
      await signedIn(users, () => users.admin.put({ username: 'ann', password: 'another horse' })),
    ).toBeUndefined();
    await users.admin.put({ username: 'ann', password: PASSWORD });
    expect(await signedIn(users, () => users.admin.remove('ann'))).toBeUndefined();
  });

  it('keeps what else it became, and what it has lost', async () => {
    await using users = await Users.create();
    const store = await users.store;
    const before = store.find('ann');
    await Promise.all([
      users.admin.put({ username: 'ann', password: 'another horse' }),
      users.admin.put({ username: 'ann', role: 'user' }),
    ]);
    const after = store.find('ann');
    expect(after?.role).toBe('user');
    expect(after?.password).not.toBe(before?.password);
    const late = users.admin.put({ username: 'ann', password: PASSWORD });
    await users.admin.remove('ann');
    await expect(late).rejects.toMatchObject({ code: 'WEB_USER' });
    expect(store.find('ann')).toBeUndefined();
  });
});

describe('a user in the database', () => {
  it('is signed out by a change that somebody sees before it is durable', async () => {
    await using users = await Users.create(true);
    const store = await users.store;
    const changed = users.context.database()?.update('User', { username: 'ann', role: 'user' });
    expect(store.find('ann')?.role).toBe('user');
    expect(users.ended).toEqual(['ann']);
    await changed;
    expect(users.ended).toEqual(['ann']);
  });

  it('stays signed in when an older hash is replaced by one of the same password', async () => {
    await using users = await Users.create(true);
    const store = await users.store;
    const ann = store.find('ann');
    const upgraded = ann && store.upgrade(ann, await cheapPasswords().hash(PASSWORD));
    expect(store.find('ann')).toBeDefined();
    await upgraded;
    expect(store.find('ann')?.password).not.toBe(ann?.password);
    expect(users.ended).toEqual([]);
  });
});
