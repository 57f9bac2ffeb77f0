import { createHash, randomBytes } from 'node:crypto';
import { type Clock, CodedError, newUlid } from '@ioto/runtime';
import type { Role } from '../http/principal.ts';
import type { ItemStore, StoredItem, Write } from '../ports/item-store.ts';
import { everyItem } from './every-item.ts';

export type TokenType = 'login' | 'cloudApi' | 'builderApi';

/** What is known of a token; never the token itself, which is shown once. */
export interface TokenFacts {
  /** ULID; names the token where it must be named. */
  id: string;
  type: TokenType;
  name?: string;
  /** Absent for tokens of the whole cloud and of the builder. */
  accountId?: string;
  /** Of a login token: whose. */
  userId?: string;
  /** Of a login token: the number of the password it was given for; absent is 0. */
  credential?: number;
  role: Role;
  /** ISO times. */
  created: string;
  expires?: string;
}

/** The prefix tells people, and scanners for leaked secrets, what they are looking at. */
const PREFIX: Readonly<Record<TokenType, string>> = {
  login: 'ioto_login_',
  cloudApi: 'ioto_capi_',
  builderApi: 'ioto_bapi_',
};

/** Opaque bearer tokens of 256 random bits, kept as SHA-256 only: reading the store does not give anybody's access. */
export class Tokens {
  readonly #store: ItemStore;
  readonly #clock: Clock;

  constructor(options: { store: ItemStore; clock: Clock }) {
    this.#store = options.store;
    this.#clock = options.clock;
  }

  /** Makes a token; `life` in milliseconds, endless when absent. `also` are writes of the same commit. */
  async create(
    facts: Omit<TokenFacts, 'id' | 'created' | 'expires'>,
    life?: number,
    also: (facts: TokenFacts) => Write[] = () => [],
  ): Promise<{ token: string; facts: TokenFacts }> {
    const now = this.#clock.now();
    const token = PREFIX[facts.type] + randomBytes(32).toString('base64url');
    const made: TokenFacts = {
      ...facts,
      id: newUlid(now),
      created: new Date(now).toISOString(),
      expires: life === undefined ? undefined : new Date(now + life).toISOString(),
    };
    const hash = hashOf(token);
    await this.#store.write([
      { put: { pk: `token#${hash}`, sk: 'token', ...made }, if: { absent: true } },
      { put: { pk: listOf(made), sk: made.id, hash, ...made }, if: { absent: true } },
      ...also(made),
    ]);
    return { token, facts: made };
  }

  /** The facts of a token that is valid now. */
  async lookUp(token: string): Promise<TokenFacts | undefined> {
    return this.#valid(await this.#store.get(`token#${hashOf(token)}`, 'token'));
  }

  /** The facts of a token that is valid now, by its ID. */
  async byId(scope: TokenScope, id: string): Promise<TokenFacts | undefined> {
    return this.#valid(await this.#store.get(listOf(scope), id));
  }

  #valid(item: StoredItem | undefined): TokenFacts | undefined {
    if (!item) return undefined;
    const facts = toFacts(item);
    return facts.expires !== undefined && Date.parse(facts.expires) <= this.#clock.now() ? undefined : facts;
  }

  async list(scope: TokenScope): Promise<TokenFacts[]> {
    return (await everyItem(this.#store, listOf(scope))).map(toFacts);
  }

  /** @throws TOKEN_UNKNOWN (404) */
  async remove(scope: TokenScope, id: string, also: Write[] = []): Promise<void> {
    const item = await this.#store.get(listOf(scope), id);
    if (!item) throw new CodedError('TOKEN_UNKNOWN', 'there is no such token here', { status: 404 });
    await this.#store.write([...removals(item), ...also]);
  }

  /** Ends a token that its holder gives back. */
  async revoke(token: string): Promise<void> {
    const facts = await this.lookUp(token);
    if (facts) await this.remove(facts, facts.id);
  }

  /** Ends every login of a user: after a change of password, or its removal. */
  async removeLogins(userId: string): Promise<void> {
    for (;;) {
      const { items, next } = await this.#store.query(listOf({ type: 'login', userId }));
      await this.#store.write(items.flatMap(removals));
      if (next === undefined) return;
    }
  }

  /** Drops a user's expired logins, so that they do not pile up. */
  async removeExpiredLogins(userId: string): Promise<void> {
    const { items } = await this.#store.query(listOf({ type: 'login', userId }));
    const now = this.#clock.now();
    const expired = items.filter((item) => Date.parse(String(item.expires)) <= now);
    await this.#store.write(expired.flatMap(removals));
  }
}

/** Which list a token stands in: a user's logins, an account's, the whole cloud's or the builder's. */
export type TokenScope = Pick<TokenFacts, 'type' | 'accountId' | 'userId'>;

function listOf({ type, accountId, userId }: TokenScope): string {
  if (type === 'login') return `logins#${userId}`;
  return type === 'builderApi' ? 'tokens#builder' : `tokens#${accountId ?? 'cloud'}`;
}

function removals(item: StoredItem): Write[] {
  return [{ remove: { pk: item.pk, sk: item.sk } }, { remove: { pk: `token#${item.hash}`, sk: 'token' } }];
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function toFacts({ pk: _pk, sk: _sk, hash: _hash, ...facts }: StoredItem): TokenFacts {
  return facts as unknown as TokenFacts;
}
