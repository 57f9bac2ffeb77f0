import { randomInt } from 'node:crypto';
import type { Component } from '@ioto/runtime';
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

/** Makes an account with an owner when there is none yet, so that somebody can sign in. */
export class FirstLoginDesk implements Component {
  readonly name = 'first login';
  readonly #options: { accounts: Accounts; users: Users };
  #made: FirstLogin | undefined;

  constructor(options: { accounts: Accounts; users: Users }) {
    this.#options = options;
  }

  /** Present only in the very process that made it: to be shown once, and kept nowhere. */
  get made(): FirstLogin | undefined {
    return this.#made;
  }

  async start(): Promise<void> {
    const { accounts, users } = this.#options;
    const { items } = await accounts.list();
    const [first] = items;
    // A power cut may have come between the account and its user.
    if (first && (items.length > 1 || (await users.list(first.id)).length > 0)) return;
    const account = first ?? (await accounts.create('Owner', 'first start'));
    const password = newPassword();
    const email = 'owner@localhost';
    await users.create({ email, password, accountId: account.id, role: 'owner' }, 'first start');
    this.#made = { email, password, accountId: account.id };
  }

  async stop(): Promise<void> {
    this.#made = undefined;
  }
}

function newPassword(): string {
  const letters = Array.from({ length: 20 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
  return letters.replace(/(.{5})(?=.)/g, '$1-');
}
