import { type Clock, errorCatalogue, isoTime } from '@ioto/runtime';
import type { AuditLog } from '../audit/audit-log.ts';
import { Turns } from '../devices/turns.ts';
import { CREDENTIAL_LIFE } from '../ports/credential-issuer.ts';
import { type ItemStore, type StoredItem, writeIfHolds } from '../ports/item-store.ts';

export const roleAliasError = errorCatalogue({
  ALIAS_NAME_INVALID: { status: 400 },
  ALIAS_EXISTS: { status: 409 },
  ALIAS_LIMIT: { status: 409 },
  ALIAS_UNKNOWN: { status: 404 },
});

/** Aliases of one account, as AWS IoT has them. */
export const MOST_ALIASES = 100;

/** The alias that every account has, which nobody can take away. */
export const BUILT_IN_ALIAS = 'ioto';

/** AWS IoT's rule for the names of role aliases. */
const NAME = /^[\w=,@-]{1,128}$/;

/**
 * A name under which devices ask for credentials with their certificate. There are no roles behind it: whatever the name, the
 * credentials may do what the device may.
 */
export interface RoleAlias {
  name: string;
  /** How long its credentials hold. */
  seconds: number;
  /** ISO time; the built-in one has none. */
  created?: string;
}

/** Whose aliases, and who asks. */
export interface AliasScope {
  accountId: string;
  /** For the audit record. */
  actor: string;
}

const partition = (accountId: string): string => `alias#${accountId}`;

/** The role aliases of accounts. */
export class RoleAliases {
  readonly #options: { store: ItemStore; audit: AuditLog; clock: Clock };
  /** By account, for the limit. */
  readonly #turns = new Turns();

  constructor(options: { store: ItemStore; audit: AuditLog; clock: Clock }) {
    this.#options = options;
  }

  /** @throws ALIAS_NAME_INVALID (400), ALIAS_EXISTS, ALIAS_LIMIT (409) */
  async create(
    { accountId, actor }: AliasScope,
    { name, seconds = CREDENTIAL_LIFE.usual }: { name: string; seconds?: number },
  ): Promise<RoleAlias> {
    const { store, audit, clock } = this.#options;
    if (!NAME.test(name)) {
      const message = `"${name.slice(0, 140)}" is no name of a role alias: 1 to 128 letters, digits and _ = , @ -`;
      throw roleAliasError('ALIAS_NAME_INVALID', message);
    }
    const exists = () =>
      roleAliasError('ALIAS_EXISTS', `the account has a role alias ${name}: remove it first`);
    if (name === BUILT_IN_ALIAS) throw exists();
    const pk = partition(accountId);
    return this.#turns.run(accountId, async () => {
      const { items } = await store.query(pk, { limit: MOST_ALIASES });
      if (items.length >= MOST_ALIASES) {
        const message = `the account has ${MOST_ALIASES} role aliases: remove one first`;
        throw roleAliasError('ALIAS_LIMIT', message);
      }
      const alias = { name, seconds, created: isoTime(clock) };
      const entry = audit.entry(
        { accountId },
        { action: 'role-alias.created', actor, accountId, details: { name, seconds } },
      );
      const put = { put: { pk, sk: name, ...alias }, if: { absent: true } } as const;
      if (!(await writeIfHolds(store, [put, entry]))) throw exists();
      return alias;
    });
  }

  /** By name; the built-in one leads. `next` of an answer continues it. */
  async find(
    accountId: string,
    { limit = 100, next }: { limit?: number; next?: string } = {},
  ): Promise<{ items: RoleAlias[]; next?: string }> {
    const page = await this.#options.store.query(partition(accountId), { limit, after: next });
    const items = page.items.map(toAlias);
    return {
      items: next === undefined ? [builtIn, ...items] : items,
      ...(page.next !== undefined && { next: page.next }),
    };
  }

  /** Credentials that were given out under it hold until they expire. @throws ALIAS_UNKNOWN (404) */
  async remove({ accountId, actor }: AliasScope, name: string): Promise<void> {
    const { store, audit } = this.#options;
    const entry = audit.entry(
      { accountId },
      { action: 'role-alias.removed', actor, accountId, details: { name } },
    );
    const removal = { remove: { pk: partition(accountId), sk: name }, if: { exists: true } } as const;
    if (name !== '' && (await writeIfHolds(store, [removal, entry]))) return;
    const why = name === BUILT_IN_ALIAS ? `the role alias ${name} is built in` : `no role alias ${name}`;
    throw roleAliasError('ALIAS_UNKNOWN', why);
  }

  async get(accountId: string, name: string): Promise<RoleAlias | undefined> {
    if (name === BUILT_IN_ALIAS) return builtIn;
    if (!NAME.test(name)) return undefined;
    const item = await this.#options.store.get(partition(accountId), name);
    return item && toAlias(item);
  }
}

const builtIn: RoleAlias = { name: BUILT_IN_ALIAS, seconds: CREDENTIAL_LIFE.usual };

function toAlias({ pk: _pk, sk: _sk, ...alias }: StoredItem): RoleAlias {
  return alias as unknown as RoleAlias;
}
