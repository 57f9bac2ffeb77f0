import { type Clock, CodedError, isCodedError, isoTime, newUlid } from '@ioto/runtime';
import type { AuditLog } from '../audit/audit-log.ts';
import type { ItemStore, StoredItem } from '../ports/item-store.ts';

/** A tenant of the device cloud. */
export interface Account {
  /** ULID. */
  id: string;
  name: string;
  /** ISO time. */
  created: string;
  /** Self-claim (Ioto contract §5) is off unless the account switched it on, and then for the listed products only. */
  selfClaim: { enabled: boolean; products: string[] };
  /** Log groups that devices of the account may make, beside those of our own names; `*` at an end stands for more. */
  logGroups?: string[];
  /** False: a device whose certificate ended while it was off does not come back by itself. Absent is true. */
  recoverExpired?: boolean;
}

/** What other capabilities ask of accounts. */
export interface AccountDirectory {
  get(accountId: string): Promise<Account | undefined>;
}

const PARTITION = 'account#';

export class Accounts implements AccountDirectory {
  readonly #store: ItemStore;
  readonly #clock: Clock;
  readonly #audit: AuditLog;

  constructor(options: { store: ItemStore; clock: Clock; audit: AuditLog }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#audit = options.audit;
  }

  async create(name: string, actor: string): Promise<Account> {
    const account: Account = {
      id: newUlid(this.#clock.now()),
      name,
      created: isoTime(this.#clock),
      selfClaim: { enabled: false, products: [] },
    };
    const scope = { accountId: account.id };
    await this.#store.write([
      { put: { pk: PARTITION, sk: account.id, ...account }, if: { absent: true } },
      this.#audit.entry(scope, { action: 'account.created', actor, accountId: account.id }),
    ]);
    return account;
  }

  async get(accountId: string): Promise<Account | undefined> {
    const item = accountId === '' ? undefined : await this.#store.get(PARTITION, accountId);
    return item && toAccount(item);
  }

  /** @throws ACCOUNT_UNKNOWN (404) */
  async require(accountId: string): Promise<Account> {
    const account = await this.get(accountId);
    if (!account) throw new CodedError('ACCOUNT_UNKNOWN', 'there is no such account', { status: 404 });
    return account;
  }

  async list(after?: string): Promise<{ items: Account[]; next?: string }> {
    const { items, next } = await this.#store.query(PARTITION, { after, limit: 1000 });
    return { items: items.map(toAccount), next };
  }

  async update(
    accountId: string,
    changes: Partial<Pick<Account, 'name' | 'selfClaim' | 'logGroups' | 'recoverExpired'>>,
    actor: string,
  ): Promise<Account> {
    const { name, selfClaim, logGroups, recoverExpired } = changes;
    // A write that fails has lost against another that is done: there is always one that gets on.
    for (;;) {
      const before = await this.require(accountId);
      const account: Account = {
        ...before,
        name: name ?? before.name,
        selfClaim: selfClaim ?? before.selfClaim,
        ...(logGroups ? { logGroups } : {}),
        ...(recoverExpired === undefined ? {} : { recoverExpired }),
      };
      try {
        await this.#store.write([
          { put: { pk: PARTITION, sk: account.id, ...account }, if: { equals: { ...before } } },
          this.#audit.entry(
            { accountId },
            { action: 'account.updated', actor, accountId, details: { ...changes } },
          ),
        ]);
        return account;
      } catch (error) {
        if (!isCodedError(error, 'CONDITION_FAILED')) throw error;
      }
    }
  }
}

function toAccount({ pk: _pk, sk: _sk, ...account }: StoredItem): Account {
  return account as unknown as Account;
}
