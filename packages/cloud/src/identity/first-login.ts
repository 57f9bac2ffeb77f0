import { randomInt } from 'node:crypto';
import type { Component } from '@ioto/runtime';
import type { ItemStore } from '../ports/item-store.ts';
import type { Accounts } from './accounts.ts';
import type { Users } from './users.ts';

/** The owner login that the first start makes. */
export interface FirstLogin {
  email: string;
  password: string;
  accountId: string;
}

/** No letters that are mistaken for others when copied by hand; 20 of them are 98 bits. */
const LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789';

const MARK = { pk: 'first-login', sk: 'first-login' };
const EMAIL = 'owner@localhost';
const ACTOR = 'first start';

/**
 * Makes an account with an owner at the first start, so that somebody can sign in. Comes last of all components: a start
 * that fails must not use up the one showing of the password.
 */
export class FirstLoginDesk implements Component {
  readonly name = 'first login';
  readonly #options: { store: ItemStore; accounts: Accounts; users: Users };
  #made: FirstLogin | undefined;

  constructor(options: { store: ItemStore; accounts: Accounts; users: Users }) {
    this.#options = options;
  }

  /** Present only in the very process that made it: to be shown once, and kept nowhere. */
  get made(): FirstLogin | undefined {
    return this.#made;
  }

  /** A power cut may come between any two of these steps; the next start goes on from there. */
  async start(): Promise<void> {
    const { store, accounts } = this.#options;
    const mark = await store.get(MARK.pk, MARK.sk);
    if (mark?.done) return;
    const accountId = String(mark?.accountId ?? (await accounts.create('Owner', ACTOR)).id);
    await store.write([{ put: { ...MARK, accountId, done: false } }]);
    const password = newPassword();
    await this.#makeUser(accountId, password);
    await store.write([{ put: { ...MARK, accountId, done: true } }]);
    this.#made = { email: EMAIL, password, accountId };
  }

  async stop(): Promise<void> {
    this.#made = undefined;
  }

  /** A user whose password nobody has seen gets a new one. */
  async #makeUser(accountId: string, password: string): Promise<void> {
    const { users } = this.#options;
    const unseen = await users.findByEmail(EMAIL);
    if (unseen) await users.update(unseen.accountId, unseen.id, { password }, ACTOR);
    else await users.create({ email: EMAIL, password, accountId, role: 'owner' }, ACTOR);
  }
}

function newPassword(): string {
  const letters = Array.from({ length: 20 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
  return letters.replace(/(.{5})(?=.)/g, '$1-');
}
