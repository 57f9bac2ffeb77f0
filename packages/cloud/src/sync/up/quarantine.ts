import { createHash } from 'node:crypto';
import { compareTimes } from '@ioto/protocol';
import { type Clock, type Logger, messageOf } from '@ioto/runtime';
import type { Complaints } from '../../limits/complaints.ts';
import type { ItemStore, StoredItem, Write } from '../../ports/item-store.ts';
import { expiryEntry, expiryKey } from '../expiry/expiry-index.ts';
import { nameOfChange, type SyncIdentity } from '../items/wire-item.ts';

/** Changes that are kept of one device: the latest of so many items. */
const MOST = 1000;
/** Characters of a change, as JSON: with `MOST` the bound of what a device may leave here. */
const LARGEST = 16 * 1024;
/** Milliseconds that a change is kept. */
const KEPT = 30 * 86_400_000;
/** Milliseconds for which it is known how much a device has here: reading it all takes megabytes. */
const COUNT_HOLDS = 60_000;

/** Where it is noted which devices have changes here. */
const DEVICES = 'quarantine#devices';

/** What is kept of one device, for its owner. */
export interface QuarantineSummary {
  /** Items of which a change is kept. */
  kept: number;
  /** Their models, as the device calls them. */
  models: string[];
  /** Changes that there was no room for. */
  lost: number;
}

/** One change as it is kept. */
export interface Kept {
  key: { pk: string; sk: string };
  change: unknown;
}

export interface QuarantineOptions {
  store: ItemStore;
  clock: Clock;
  complaints: Complaints;
}

/**
 * Changes of models that this cloud's schema does not know. A device is told that the cloud has them, as every change must be
 * acknowledged (Ioto contract §7), so they are kept until a schema knows the model, within bounds; what does not fit is
 * counted, and shown with the device.
 */
export class Quarantine {
  readonly #options: QuarantineOptions;
  /** How many changes are kept, by partition. */
  readonly #counts = new Map<string, { kept: number; until: number }>();

  constructor(options: QuarantineOptions) {
    this.#options = options;
  }

  /** Resolves when the latest change of each item is durable. One batch of a device at a time. */
  async keep(identity: SyncIdentity, changes: readonly unknown[]): Promise<void> {
    const { store, clock, complaints } = this.#options;
    const pk = partitionOf(identity);
    const count = await this.#count(pk);
    const until = new Date(clock.now() + KEPT).toISOString();
    const puts = new Map<string, StoredItem>();
    const replaced = new Map<string, StoredItem>();
    let fresh = 0;
    let lost = 0;
    for (const change of changes) {
      const kept = { ...keptForm(change), pk, keepUntil: until };
      const held = await store.get(pk, kept.sk);
      const before = puts.get(kept.sk) ?? held;
      kept.change = withCreated(kept.change, before?.change);
      if (before && compareTimes(String(before.updated), kept.updated) > 0) continue;
      const isFull = !before && count.kept + fresh >= MOST;
      if (isFull || JSON.stringify(change).length > LARGEST) {
        lost += 1;
        continue;
      }
      if (!before) fresh += 1;
      if (held) replaced.set(kept.sk, held);
      puts.set(kept.sk, kept);
    }
    const facts = { accountId: identity.accountId, changes: changes.length, lost };
    complaints.of(identity.deviceId, 'changes of models that the schema does not know put aside', facts);
    const note = await this.#note(identity, lost);
    const entries = [...puts.values()].flatMap((put): Write[] => [{ put }, expiryEntry(until, put)]);
    const ends = [...replaced.values()].filter(({ keepUntil }) => keepUntil !== until);
    const old = ends.map((held): Write => ({ remove: expiryKey(String(held.keepUntil), held) }));
    await store.write([{ put: note }, ...entries, ...old]);
    count.kept += fresh;
  }

  /** A flood of changes must not have all that is kept read again for each of them. */
  async #count(pk: string): Promise<{ kept: number }> {
    const { store, clock } = this.#options;
    const now = clock.now();
    const known = this.#counts.get(pk);
    if (known && known.until > now) return known;
    for (const [other, { until }] of this.#counts) if (until <= now) this.#counts.delete(other);
    const { items } = await store.query(pk, { limit: MOST });
    const count = { kept: items.length, until: now + COUNT_HOLDS };
    this.#counts.set(pk, count);
    return count;
  }

  /** Undefined when nothing of the device was ever kept. */
  async summary(identity: SyncIdentity): Promise<QuarantineSummary | undefined> {
    const { store } = this.#options;
    const note = await store.get(DEVICES, nameOf(identity));
    if (!note) return undefined;
    const { items } = await store.query(partitionOf(identity), { limit: MOST });
    const models = [...new Set(items.map(({ model }) => String(model)))].sort();
    return { kept: items.length, models, lost: Number(note.lost) };
  }

  /** The devices that have changes here. */
  async devices(): Promise<SyncIdentity[]> {
    const identities: SyncIdentity[] = [];
    let after: string | undefined;
    do {
      const page = await this.#options.store.query(DEVICES, { after });
      for (const { accountId, deviceId } of page.items) {
        identities.push(Object.freeze({ accountId: String(accountId), deviceId: String(deviceId) }));
      }
      after = page.next;
    } while (after !== undefined);
    return identities;
  }

  /** The kept changes of these models. */
  async of(identity: SyncIdentity, isKnown: (model: string) => boolean): Promise<Kept[]> {
    const { items } = await this.#options.store.query(partitionOf(identity), { limit: MOST });
    return items
      .filter(({ model }) => isKnown(String(model)))
      .map(({ pk, sk, change }) => ({ key: { pk, sk }, change }));
  }

  async remove(kept: readonly Kept[]): Promise<void> {
    for (const { key } of kept) this.#counts.delete(key.pk);
    if (kept.length > 0) await this.#options.store.write(kept.map(({ key }) => ({ remove: key })));
  }

  async #note(identity: SyncIdentity, lost: number): Promise<StoredItem> {
    const before = await this.#options.store.get(DEVICES, nameOf(identity));
    const { accountId, deviceId } = identity;
    return { pk: DEVICES, sk: nameOf(identity), accountId, deviceId, lost: Number(before?.lost ?? 0) + lost };
  }
}

const nameOf = ({ accountId, deviceId }: SyncIdentity) => `${accountId}#${deviceId}`;
const partitionOf = (identity: SyncIdentity) => `quarantine#${nameOf(identity)}`;

function keptForm(change: unknown): { sk: string; model: string; updated: string; change: unknown } {
  const { item } = (change ?? {}) as { item?: { _type?: unknown; updated?: unknown } };
  const model = typeof item?._type === 'string' ? item._type.slice(0, 128) : '';
  // A key of the device's may be anything.
  const sk = createHash('sha256')
    .update(JSON.stringify([model, nameOfChange(change)]))
    .digest('base64url');
  return { sk, model, updated: String(item?.updated ?? ''), change };
}

/** A device says once only since when an item is. */
function withCreated(change: unknown, before: unknown): unknown {
  const { item } = change as { item?: Record<string, unknown> };
  const created = (before as { item?: Record<string, unknown> } | undefined)?.item?.created;
  if (created === undefined || !item || item.created !== undefined) return change;
  return { ...(change as object), item: { ...item, created } };
}

export interface QuarantineReleaseOptions {
  quarantine: Quarantine;
  /** True for a model that the schema knows, and syncs up. */
  isKnown(model: string): boolean;
  /** Resolves when the changes are durable where they belong. */
  apply(identity: SyncIdentity, changes: readonly unknown[]): Promise<void>;
  logger: Logger;
}

/** At the start of a cloud takes those changes in that its schema, perhaps a newer one, knows by now. */
export async function releaseQuarantine({
  quarantine,
  isKnown,
  apply,
  logger,
}: QuarantineReleaseOptions): Promise<void> {
  for (const identity of await quarantine.devices()) {
    const kept = await quarantine.of(identity, isKnown);
    if (kept.length === 0) continue;
    try {
      await apply(
        identity,
        kept.map(({ change }) => change),
      );
      await quarantine.remove(kept);
      logger.info({ ...identity, changes: kept.length }, 'took in changes of models that were unknown');
    } catch (error) {
      logger.error({ ...identity, error: messageOf(error) }, 'cannot take in what was kept of a device');
    }
  }
}
