import { join } from 'node:path';
import { CodedError, readTextIfPresent, writeFileDurably } from '@ioto/runtime';
import { isProperties } from '../../../config-loading/blend.ts';
import { parseJson5 } from '../../../config-loading/json5.ts';

/** What the device itself knows of a user. */
export interface FileUser {
  /** Its hash. */
  readonly password?: string;
  readonly role?: string;
  /**
   * Stands in the place of a user of the configuration, as long as that one has the password of which this is the digest;
   * without it the user is the device's own.
   */
  readonly replaces?: string;
}

/** `@state/config/users.json5`, which nobody but the agent writes. */
export class UserFile {
  readonly #path: string;
  #users: ReadonlyMap<string, FileUser>;

  private constructor(path: string, users: ReadonlyMap<string, FileUser>) {
    this.#path = path;
    this.#users = users;
  }

  /** @throws CONFIG_SYNTAX, CONFIG_INVALID: what cannot be read must not pass for a device that has no user yet. */
  static async open(stateConfig: string): Promise<UserFile> {
    const path = join(stateConfig, 'users.json5');
    const text = await readTextIfPresent(path);
    return new UserFile(path, text === undefined ? new Map() : read(text, path));
  }

  get users(): ReadonlyMap<string, FileUser> {
    return this.#users;
  }

  /** Sets what is known of a user, undefined to forget it; resolves when that is on disk. One at a time. */
  async set(username: string, user: FileUser | undefined): Promise<void> {
    const users = new Map(this.#users);
    if (user) users.set(username, user);
    else users.delete(username);
    await writeFileDurably(this.#path, `${JSON.stringify({ users: Object.fromEntries(users) }, null, 2)}\n`);
    this.#users = users;
  }
}

function read(text: string, path: string): ReadonlyMap<string, FileUser> {
  const { users } = parseJson5(text, path);
  if (!isProperties(users)) throw new CodedError('CONFIG_INVALID', `${path}: users: must be an object`);
  return new Map(
    Object.entries(users).map(([username, user]) => {
      const ok =
        isProperties(user) &&
        ['password', 'role', 'replaces'].every((name) => ['string', 'undefined'].includes(typeof user[name]));
      if (!ok) throw new CodedError('CONFIG_INVALID', `${path}: users.${username}: is no user`);
      return [username, user as FileUser];
    }),
  );
}
