import { createHash } from 'node:crypto';
import { webError } from '../errors.ts';
import type { WebContext } from '../web-context.ts';
import { DatabaseUsers, keepsUsers } from './database-users.ts';
import { may, type Roles } from './roles.ts';
import { type FileUser, UserFile } from './user-file.ts';

export interface User {
  readonly username: string;
  /** Its hash. */
  readonly password: string;
  readonly role: string;
}

/** What of a user is to become another; what is undefined stays. */
export interface UserChange {
  readonly username: string;
  readonly password: string | undefined;
  readonly role: string | undefined;
}

type ConfiguredUser = WebContext['web']['auth']['users'][string];

/**
 * The role of a user of the configuration. Older files have a list: the one of it that may what all others may, in whatever order
 * they are; else the last.
 */
export function roleOf({ role, roles }: ConfiguredUser, all: Roles): string | undefined {
  return role ?? roles?.find((each) => roles.every((other) => may(all, each, other))) ?? roles?.at(-1);
}

/**
 * All users of the device: those of the configuration, with what the device has put in their place since, and those that the
 * device was told of, in the database or in `users.json5`. The configuration is never written.
 */
export class UserStore {
  readonly #context: WebContext;
  readonly #file: UserFile;
  readonly #database: DatabaseUsers | undefined;
  /** What was found last of each, which its sessions go by. */
  readonly #seen = new Map<string, string>();
  /** Hashes that took the place of older ones of the same passwords, with the older ones. */
  readonly #upgrades = new Map<string, string>();
  #turn: Promise<unknown> = Promise.resolve();
  /** Grows with every change of a user. */
  changes = 0;

  private constructor(context: WebContext, file: UserFile, database: DatabaseUsers | undefined) {
    this.#context = context;
    this.#file = file;
    this.#database = database;
    database?.onChange((username) => this.#changed(username));
  }

  /** @throws CONFIG_SYNTAX, CONFIG_INVALID for a file that cannot be read, and as `keepsUsers` does. */
  static async open(context: WebContext): Promise<UserStore> {
    const database = context.database();
    const keeps = keepsUsers(context.web.auth.store, database, context.complain);
    const file = await UserFile.open(context.directories.stateConfig);
    return new UserStore(context, file, database && keeps ? new DatabaseUsers(database) : undefined);
  }

  /** Whoever finds a user changed first ends what the user was signed in with: nobody comes in between. */
  find(username: string): User | undefined {
    const user = this.#fromFiles(username) ?? this.#database?.find(username);
    const seen = this.#seen.get(username);
    const now = user && this.#stampOf(user);
    if (now === undefined) this.#seen.delete(username);
    else this.#seen.set(username, now);
    if (seen !== undefined && seen !== now) this.#end(username);
    return user;
  }

  /** Whether a user is still the one that was found: of the same password and role. */
  isStill(user: User): boolean {
    const now = this.find(user.username);
    return now !== undefined && this.#stampOf(now) === this.#stampOf(user);
  }

  get all(): User[] {
    const users = new Map(this.#database?.all.map((user) => [user.username, user]));
    for (const username of [...Object.keys(this.#context.web.auth.users), ...this.#file.users.keys()]) {
      const user = this.#fromFiles(username);
      if (user) users.set(username, user);
    }
    return [...users.values()];
  }

  get isEmpty(): boolean {
    return this.all.length === 0;
  }

  /** Adds the one that is there before all others. @throws WEB_CONFLICT when there is one already. */
  addFirst(user: User): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.isEmpty) throw webError('WEB_CONFLICT', 'somebody has set the first password: sign in');
      await this.#write(user);
    });
  }

  /**
   * Adds a user or changes it, as it is when its turn has come; its sessions end.
   *
   * @throws WEB_USER for a new one without password or role.
   */
  put({ username, password, role }: UserChange): Promise<void> {
    return this.#inTurn(async () => {
      const known = this.find(username);
      const user = { username, password: password ?? known?.password, role: role ?? known?.role };
      if (user.password === undefined) throw webError('WEB_USER', 'password: a new user needs one');
      if (user.role === undefined) throw webError('WEB_USER', 'role: a new user needs one');
      this.#requireTop(username, user as User);
      await this.#write(user as User);
      this.#changed(username);
    });
  }

  /** @throws WEB_USER for a user of the configuration, or of whom nothing is known; WEB_LAST_USER */
  remove(username: string): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#configured(username)) {
        throw webError('WEB_USER', `${username} is a user of web.auth.users: it has to be taken out there`);
      }
      if (!this.find(username)) throw webError('WEB_USER', `there is no user ${username}`);
      this.#requireTop(username, undefined);
      if (this.#file.users.has(username)) await this.#file.set(username, undefined);
      await this.#database?.remove(username);
      this.#changed(username);
    });
  }

  /** Keeps another hash of the same password, unless the user has become another one meanwhile. */
  upgrade({ username, password }: User, hash: string): Promise<void> {
    return this.#inTurn(async () => {
      const now = this.find(username);
      if (now?.password !== password) return;
      this.#upgrades.set(hash, this.#upgrades.get(password) ?? password);
      await this.#write({ ...now, password: hash });
    });
  }

  /** Whoever is left has somebody who may as much as anybody could before: else nobody could ever give a role again. */
  #requireTop(username: string, changed: User | undefined): void {
    const { roles } = this.#context;
    const rank = ({ role }: User) => roles.get(role)?.size ?? 0;
    const before = this.all;
    const after = [...before.filter((user) => user.username !== username), ...(changed ? [changed] : [])];
    if (after.length === 0 || before.length === 0) return;
    if (Math.max(...after.map(rank)) >= Math.max(...before.map(rank))) return;
    throw webError(
      'WEB_LAST_USER',
      `${username} is the only one with that role: give it to somebody else first`,
    );
  }

  async #write(user: User): Promise<void> {
    const { username, password, role } = user;
    const configured = this.#configured(username);
    const isOwn = this.#file.users.get(username)?.replaces === undefined && this.#file.users.has(username);
    if (configured && !isOwn) {
      const entry = { password, replaces: digestOf(configured.password) };
      // A role that the configuration says goes on being the configuration's to say.
      await this.#file.set(
        username,
        role === roleOf(configured, this.#context.roles) ? entry : { ...entry, role },
      );
    } else if (this.#database && !isOwn) {
      await this.#database.put(user);
    } else {
      await this.#file.set(username, { password, role });
    }
  }

  #fromFiles(username: string): User | undefined {
    const configured = this.#configured(username);
    const known = this.#file.users.get(username);
    const counts = known !== undefined && isOf(known, configured);
    const password = (counts && known.password) || configured?.password;
    const role = (counts && known.role) || (configured && roleOf(configured, this.#context.roles));
    if (!counts && !configured) return undefined;
    return { username, password: password ?? '', role: role ?? '' };
  }

  #configured(username: string): ConfiguredUser | undefined {
    const { users } = this.#context.web.auth;
    return Object.hasOwn(users, username) ? users[username] : undefined;
  }

  #changed(username: string): void {
    const wasSeen = this.#seen.has(username);
    this.find(username);
    if (!wasSeen) this.#end(username);
  }

  #end(username: string): void {
    this.changes += 1;
    this.#context.sessions.endOf(username);
    this.#context.lasting.endOf(username);
  }

  #stampOf({ password, role }: User): string {
    return `${role}\n${this.#upgrades.get(password) ?? password}`;
  }

  /** Each is decided by what the one before it left. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

/** Whether what the device has kept counts beside what the configuration says now. */
function isOf({ replaces }: FileUser, configured: ConfiguredUser | undefined): boolean {
  return replaces === undefined || (configured !== undefined && replaces === digestOf(configured.password));
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
