import { nextTime } from '@ioto/protocol';
import { type Clock, errorCatalogue } from '@ioto/runtime';
import type { AuditAction, AuditLog } from '../audit/audit-log.ts';
import { type Condition, type StoredItem, type Write, writeIfHolds } from '../ports/item-store.ts';
import type { Arrivals } from '../sync/items/arrivals.ts';
import { forgetMarksOf, gonePartition, markOf } from '../sync/items/gone-marks.ts';
import { syncFactsOf, withSyncFacts } from '../sync/items/sync-facts.ts';
import { EVERY_ACCOUNT, EVERY_DEVICE } from '../sync/items/wire-item.ts';
import { type AccountList, type BroadcastEnds, broadcastKey, ownPlaces } from './own-broadcasts.ts';

export const broadcastError = errorCatalogue({
  BROADCAST_UNKNOWN: { status: 404 },
  BROADCAST_TOO_LARGE: { status: 413 },
  BROADCASTS_FULL: { status: 409 },
  BROADCAST_CONTENDED: { status: 503, retryable: true },
});

/** Bytes that any agent in the field can read in one message (Ioto contract §10). */
const LARGEST = 4096;
/** Each goes to every device that connects for the first time. */
const MOST = 1000;
const ATTEMPTS = 5;

export interface Broadcast {
  key: string;
  value: string;
  /** Of the value, as with Store. */
  type: string;
}

export interface CloudBroadcastsOptions extends BroadcastEnds {
  arrivals: Arrivals;
  accounts: AccountList;
  audit: AuditLog;
  clock: Clock;
}

/**
 * Broadcasts of the operator to the devices of all accounts, `ioto/account/all/sync/…` (Ioto contract §7). Where an account
 * has a Broadcast of its own under the same key, its devices keep that: it is dated after the operator's, since devices know
 * nothing of ranks and hold the newest.
 */
export class CloudBroadcasts {
  readonly #options: CloudBroadcastsOptions;

  constructor(options: CloudBroadcastsOptions) {
    this.#options = options;
  }

  /** Makes or changes one. @throws BROADCAST_TOO_LARGE (413), BROADCASTS_FULL (409) */
  async set({ key, value, type }: Broadcast, actor: string): Promise<StoredItem> {
    return this.#change(key, actor, 'broadcast.set', async (held, updated) => {
      if (!held) await this.#checkRoom();
      const named = { accountId: EVERY_ACCOUNT, deviceId: EVERY_DEVICE };
      const item = {
        _type: 'Broadcast',
        ...named,
        key,
        value,
        type,
        created: held?.created ?? updated,
        updated,
      };
      const stored = { ...item, ...broadcastKey(this.#options.schema, key) };
      const bytes = Buffer.byteLength(JSON.stringify(stored));
      if (bytes <= LARGEST) return stored;
      throw broadcastError('BROADCAST_TOO_LARGE', `it takes ${bytes} bytes; devices can read ${LARGEST}`);
    });
  }

  /** @throws BROADCAST_UNKNOWN (404) */
  async remove(key: string, actor: string): Promise<void> {
    await this.#change(key, actor, 'broadcast.removed', async (held) => {
      if (!held) throw broadcastError('BROADCAST_UNKNOWN', 'there is no broadcast with this key');
      return undefined;
    });
  }

  async find({
    limit = 100,
    next,
  }: {
    limit?: number;
    next?: string;
  }): Promise<{ items: StoredItem[]; next?: string }> {
    const { pk } = broadcastKey(this.#options.schema, 'any');
    return this.#options.store.query(pk, { limit, after: next });
  }

  /** Writes an item, or the mark of a removed one, with what must follow it, in one commit. */
  async #change(
    key: string,
    actor: string,
    action: AuditAction,
    plan: (held: StoredItem | undefined, updated: string) => Promise<StoredItem | undefined>,
  ): Promise<StoredItem> {
    const { store, arrivals, audit, clock, schema } = this.#options;
    const model = schema.model('Broadcast');
    const at = broadcastKey(schema, key);
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const held = await store.get(at.pk, at.sk);
      const mark = await store.get(gonePartition(at.pk), at.sk);
      const time = nextTime(clock.now(), held?.updated, mark?.updated);
      const updated = new Date(time).toISOString();
      const item = await plan(held, updated);
      await this.#dateOwnAfter(key, time);
      const arrival = await arrivals.next();
      const facts = { arrived: arrival.time };
      const put = item
        ? withSyncFacts(item, facts)
        : markOf(model, held as StoredItem, { updated, now: updated, facts });
      const replaced = item ? mark : held;
      const writes: Write[] = [
        { put, if: conditionOf(item ? held : mark) },
        ...(replaced ? [{ remove: { pk: replaced.pk, sk: replaced.sk }, if: conditionOf(replaced) }] : []),
        audit.entry('cloud', { action, actor, details: { key } }),
      ];
      if (!(await writeIfHolds(store, writes).finally(() => arrival.end()))) continue;
      // Those that were made meanwhile.
      await this.#dateOwnAfter(key, time);
      await forgetMarksOf(store, at.pk, clock.now());
      return put;
    }
    throw broadcastError(
      'BROADCAST_CONTENDED',
      'broadcasts of this key are being changed by others: try again',
    );
  }

  /**
   * Dates what accounts and devices have of their own after the operator's, so that devices which hear of both hold theirs.
   * Done before the operator's is there, they have theirs by the time it comes. Each lot is a commit: after a failure the
   * same again does the rest.
   */
  async #dateOwnAfter(key: string, time: number): Promise<void> {
    const { store, arrivals } = this.#options;
    for await (const places of ownPlaces(this.#options, key)) {
      const arrival = await arrivals.next();
      try {
        await store.update(places, (items) => items.flatMap((own) => datedAfter(own, time, arrival.time)));
      } finally {
        arrival.end();
      }
    }
  }

  async #checkRoom(): Promise<void> {
    const { items } = await this.find({ limit: MOST });
    if (items.length < MOST) return;
    throw broadcastError('BROADCASTS_FULL', `there are ${MOST} broadcasts to all accounts: remove one first`);
  }
}

function conditionOf(item: StoredItem | undefined): Condition {
  return item ? { equals: { ...item } } : { absent: true };
}

function datedAfter(own: StoredItem | undefined, time: number, arrived: string): Write[] {
  if (!own || Date.parse(String(own.updated)) > time) return [];
  const updated = new Date(nextTime(time, time, own.updated)).toISOString();
  return [{ put: withSyncFacts({ ...own, updated }, { ...syncFactsOf(own), arrived }) }];
}
