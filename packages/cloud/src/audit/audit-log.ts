import { type Clock, isoTime, newUlid } from '@ioto/runtime';
import type { ItemStore, Write } from '../ports/item-store.ts';

/** What may be recorded. Ownership changes are written in the same commit as the change itself. */
export type AuditAction =
  | 'device.claimed'
  | 'device.released'
  | 'device.preclaimed'
  | 'device.claim-denied'
  | 'device.self-claim-denied'
  | 'device.provisioned'
  | 'device.impostor-denied'
  | 'certificate.issued'
  | 'certificate.proven'
  | 'certificate.revoked'
  | 'certificate.recovered'
  | 'user.login-denied'
  | 'user.created'
  | 'user.updated'
  | 'user.removed'
  | 'account.created'
  | 'account.updated'
  | 'token.created'
  | 'token.removed'
  | 'credentials.issued'
  | 'policy.created'
  | 'policy.updated'
  | 'policy.removed'
  | 'policy.attached'
  | 'policy.detached'
  | 'broadcast.set'
  | 'broadcast.removed'
  | 'shadow.removed'
  | 'log-group.removed'
  | 'role-alias.created'
  | 'role-alias.removed'
  | 'job.created'
  | 'job.canceled'
  | 'job.removed'
  | 'update.published'
  | 'update.changed'
  | 'update.removed'
  | 'update.reported';

export interface AuditEntry {
  /** ULID: sorts by time. */
  id: string;
  /** ISO time. */
  time: string;
  action: AuditAction;
  /** Who did it: `user:ID`, `token:ID`, `cloud:ID`, `device:ID`, `admin`. */
  actor: string;
  accountId?: string;
  deviceId?: string;
  address?: string;
  /** Further facts; never a secret. */
  details?: Record<string, unknown>;
}

export type AuditFacts = Omit<AuditEntry, 'id' | 'time'>;

/** Who owns the record: an account of a device cloud, or the device cloud or the builder as a whole. */
export type AuditScope = { accountId: string } | 'cloud' | 'builder';

/** Append-only record of who changed the ownership of what. Entries are never changed or removed. */
export class AuditLog {
  readonly #store: ItemStore;
  readonly #clock: Clock;

  constructor(options: { store: ItemStore; clock: Clock }) {
    this.#store = options.store;
    this.#clock = options.clock;
  }

  /** The write of one entry, to go into the same commit as what it records. */
  entry(scope: AuditScope, facts: AuditFacts): Write {
    const id = newUlid(this.#clock.now());
    return {
      put: { pk: partition(scope), sk: id, id, time: isoTime(this.#clock), ...facts },
      if: { absent: true },
    };
  }

  /** Records what changed nothing in the store, such as a refused attempt. */
  async record(scope: AuditScope, facts: AuditFacts): Promise<void> {
    await this.#store.write([this.entry(scope, facts)]);
  }

  /** Latest first. `next` of an answer goes into `after` of the next question. */
  async find(
    scope: AuditScope,
    options: { limit?: number; after?: string } = {},
  ): Promise<{ entries: AuditEntry[]; next?: string }> {
    const { items, next } = await this.#store.query(partition(scope), {
      limit: 100,
      ...options,
      reverse: true,
    });
    const entries = items.map(({ pk: _pk, sk: _sk, ...entry }) => entry as unknown as AuditEntry);
    return { entries, next };
  }
}

function partition(scope: AuditScope): string {
  return `audit#${typeof scope === 'string' ? scope : scope.accountId}`;
}
