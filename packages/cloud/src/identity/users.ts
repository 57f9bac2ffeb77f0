import { type Clock, CodedError, isCodedError, isoTime, newUlid } from '@ioto/runtime';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Role } from '../http/principal.ts';
import type { ItemStore, StoredItem, Write } from '../ports/item-store.ts';
import { everyItem } from './every-item.ts';
import type { Passwords } from './passwords.ts';

/** A person who may sign in; belongs to one account. */
export interface User {
  /** ULID. */
  id: string;
  email: string;
  accountId: string;
  role: Role;
  /** ISO time. */
  created: string;
}

interface UserItem extends StoredItem, User {
  passwordHash: string;
  /** Raised in the same write as a new password; absent is 0. */
  credential?: number;
}

/** A user whose password was right, and the number of that password: each new one has a higher number. */
export interface VerifiedUser {
  user: User;
  credential: number;
}

export interface NewUser {
  email: string;
  password: string;
  accountId: string;
  role: Role;
}

/** Users under their account, found by login name through an item of its own that also keeps names unique. */
export class Users {
  readonly #store: ItemStore;
  readonly #clock: Clock;
  readonly #audit: AuditLog;
  readonly #passwords: Passwords;

  constructor(options: { store: ItemStore; clock: Clock; audit: AuditLog; passwords: Passwords }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#audit = options.audit;
    this.#passwords = options.passwords;
  }

  /** @throws EMAIL_MALFORMED (400), EMAIL_TAKEN (409), PASSWORD_UNSUITABLE (400) */
  async create({ email: given, password, accountId, role }: NewUser, actor: string): Promise<User> {
    const email = normalEmail(given);
    const passwordHash = await this.#passwords.hash(password);
    const user: User = {
      id: newUlid(this.#clock.now()),
      email,
      accountId,
      role,
      created: isoTime(this.#clock),
    };
    try {
      await this.#store.write([
        { put: { pk: `email#${email}`, sk: 'email', accountId, userId: user.id }, if: { absent: true } },
        { put: { ...userKey(user), ...user, passwordHash }, if: { absent: true } },
        this.#audit.entry(
          { accountId },
          { action: 'user.created', actor, accountId, details: { userId: user.id, email, role } },
        ),
      ]);
    } catch (error) {
      if (!isCodedError(error, 'CONDITION_FAILED')) throw error;
      throw new CodedError('EMAIL_TAKEN', `there is already a user ${email}`, { status: 409 });
    }
    return user;
  }

  async get(accountId: string, userId: string): Promise<User | undefined> {
    const item = await this.#store.get(`users#${accountId}`, userId);
    return item && toUser(item as UserItem);
  }

  /** The user that a login stands for, as long as the password has not changed since. */
  async ofLogin(accountId: string, userId: string, credential: number): Promise<User | undefined> {
    const item = (await this.#store.get(`users#${accountId}`, userId)) as UserItem | undefined;
    return item && credentialOf(item) === credential ? toUser(item) : undefined;
  }

  /** @throws USER_UNKNOWN (404) */
  async require(accountId: string, userId: string): Promise<User> {
    return toUser(await this.#item(accountId, userId));
  }

  async list(accountId: string): Promise<User[]> {
    const items = await everyItem(this.#store, `users#${accountId}`);
    return items.map((item) => toUser(item as UserItem));
  }

  async findByEmail(email: string): Promise<User | undefined> {
    const item = await this.#byEmail(email);
    return item && toUser(item);
  }

  /** The user, when name and password are right; takes the same time when they are not. */
  async verify(email: string, password: string): Promise<VerifiedUser | undefined> {
    const item = await this.#byEmail(email);
    const right = await this.#passwords.verify(password, item?.passwordHash);
    return right && item ? { user: toUser(item), credential: credentialOf(item) } : undefined;
  }

  /**
   * A new password ends all logins in the same commit. With `credential`, only while that is still the user's password.
   *
   * @throws USER_UNKNOWN (404), LAST_OWNER (409), PASSWORD_CHANGED (409), PASSWORD_UNSUITABLE (400)
   */
  async update(
    accountId: string,
    userId: string,
    changes: { role?: Role; password?: string; credential?: number },
    actor: string,
  ): Promise<User> {
    const item = await this.#item(accountId, userId);
    const before = credentialOf(item);
    if (changes.credential !== undefined && changes.credential !== before) {
      throw new CodedError('PASSWORD_CHANGED', 'the password was changed meanwhile', { status: 409 });
    }
    const { role = item.role, password } = changes;
    const keep = role === 'owner' ? [] : await this.#keepAnOwner(item);
    const passwordHash = password === undefined ? item.passwordHash : await this.#passwords.hash(password);
    const credential = password === undefined ? before : before + 1;
    const details = { userId, role, passwordChanged: password !== undefined };
    await this.#store.write([
      {
        put: { ...item, role, passwordHash, credential },
        if: { equals: { passwordHash: item.passwordHash } },
      },
      ...keep,
      this.#audit.entry({ accountId }, { action: 'user.updated', actor, accountId, details }),
    ]);
    return toUser({ ...item, role });
  }

  /** @throws USER_UNKNOWN (404), LAST_OWNER (409) */
  async remove(accountId: string, userId: string, actor: string): Promise<void> {
    const item = await this.#item(accountId, userId);
    const keep = await this.#keepAnOwner(item);
    await this.#store.write([
      ...keep,
      { remove: userKey(item) },
      { remove: { pk: `email#${item.email}`, sk: 'email' } },
      this.#audit.entry(
        { accountId },
        { action: 'user.removed', actor, accountId, details: { userId, email: item.email } },
      ),
    ]);
  }

  /** The write that makes sure, in the same commit, that another owner stays one when this owner goes. */
  async #keepAnOwner(user: User): Promise<Write[]> {
    if (user.role !== 'owner') return [];
    const items = await everyItem(this.#store, `users#${user.accountId}`);
    const other = items.find((item) => item.role === 'owner' && item.id !== user.id);
    if (other) return [{ put: other, if: { equals: other } }];
    throw new CodedError('LAST_OWNER', 'this is the last owner of the account: make another one first', {
      status: 409,
    });
  }

  async #item(accountId: string, userId: string): Promise<UserItem> {
    const item = await this.#store.get(`users#${accountId}`, userId);
    if (!item) throw new CodedError('USER_UNKNOWN', 'there is no such user in this account', { status: 404 });
    return item as UserItem;
  }

  async #byEmail(given: string): Promise<UserItem | undefined> {
    const email = given.trim().toLowerCase();
    if (!EMAIL.test(email)) return undefined;
    const name = await this.#store.get(`email#${email}`, 'email');
    if (!name) return undefined;
    return (await this.#store.get(`users#${name.accountId}`, String(name.userId))) as UserItem | undefined;
  }
}

const EMAIL = /^[^\s@\p{C}]{1,64}@[^\s@\p{C}]{1,189}$/u;

function normalEmail(given: string): string {
  const email = given.trim().toLowerCase();
  if (!EMAIL.test(email)) {
    throw new CodedError('EMAIL_MALFORMED', 'a login name has the form of an e-mail address', {
      status: 400,
    });
  }
  return email;
}

function userKey({ accountId, id }: User): { pk: string; sk: string } {
  return { pk: `users#${accountId}`, sk: id };
}

function credentialOf({ credential = 0 }: UserItem): number {
  return credential;
}

function toUser({ id, email, accountId, role, created }: User): User {
  return { id, email, accountId, role, created };
}
