import { logStoreError } from '../../../ports/log-store.ts';
import type { LogRecords } from './log-records.ts';

/** Bytes of packed events that an account may keep on the disk. */
export const LOG_QUOTA = 10 * 2 ** 30;

interface Account {
  bytes: number;
  /** By ID of the group. */
  readonly groups: Map<string, number>;
}

/** Keeps one account from filling the disk of all: its groups together may take so many bytes. */
export class LogQuota {
  readonly #records: Pick<LogRecords, 'groups'>;
  readonly #most: number;
  readonly #accounts = new Map<string, Promise<Account>>();

  constructor(records: Pick<LogRecords, 'groups'>, most = LOG_QUOTA) {
    this.#records = records;
    this.#most = most;
  }

  /** @throws LOG_LIMIT (409) for an account that has too much already. */
  async require(accountId: string): Promise<void> {
    const { bytes } = await this.#account(accountId);
    if (bytes < this.#most) return;
    throw logStoreError(
      'LOG_LIMIT',
      `an account may keep ${this.#most} bytes of logs and keeps ${bytes}: remove groups, or shorten their retention`,
    );
  }

  /** Notes what a group takes now; 0 when it is gone. */
  async note(accountId: string, groupId: string, bytes: number): Promise<void> {
    const account = await this.#account(accountId);
    account.bytes += bytes - (account.groups.get(groupId) ?? 0);
    if (bytes === 0) account.groups.delete(groupId);
    else account.groups.set(groupId, bytes);
  }

  /** Counted once from what is stored of the groups, then as they change. */
  #account(accountId: string): Promise<Account> {
    const known = this.#accounts.get(accountId);
    if (known) return known;
    const counted = this.#count(accountId);
    this.#accounts.set(accountId, counted);
    counted.catch(() => this.#accounts.delete(accountId));
    return counted;
  }

  async #count(accountId: string): Promise<Account> {
    const account: Account = { bytes: 0, groups: new Map() };
    for (let after: string | undefined; ; ) {
      const { groups, next } = await this.#records.groups(accountId, { after, limit: 1000 });
      for (const { id, storedBytes } of groups) {
        account.bytes += storedBytes;
        account.groups.set(id, storedBytes);
      }
      if (next === undefined) return account;
      after = next;
    }
  }
}
