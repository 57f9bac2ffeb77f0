import type { Clock } from '@ioto/runtime';
import type { Condition, ItemStore, StoredItem, Write } from '../ports/item-store.ts';
import { expiryEntry } from '../sync/expiry/expiry-index.ts';
import type { SyncIdentity } from '../sync/items/wire-item.ts';

/** Numbers of a device's latest sets that are remembered; it has fewer under way. */
const REMEMBERED = 64;
/** Milliseconds after a device's latest numbered set for which they are remembered, at least and at most. */
const KEPT = { least: 30 * 86_400_000, most: 60 * 86_400_000 };

/** Which numbered sets of each device are in the store already: one whose PUBACK was lost is sent again. */
export class SeenNumbers {
  readonly #store: ItemStore;
  readonly #clock: Clock;
  readonly #notes = new Map<
    string,
    { before: StoredItem | undefined; note: StoredItem; isChanged: boolean }
  >();

  constructor({ store, clock }: { store: ItemStore; clock: Clock }) {
    this.#store = store;
    this.#clock = clock;
  }

  /** From now on it is. */
  async isSeen({ accountId, deviceId }: SyncIdentity, n: number): Promise<boolean> {
    const pk = `metric-seen#${accountId}`;
    const id = `${pk}\n${deviceId}`;
    let entry = this.#notes.get(id);
    if (!entry) {
      const before = await this.#store.get(pk, deviceId);
      entry = { before, note: before ?? { pk, sk: deviceId, numbers: [] }, isChanged: false };
      this.#notes.set(id, entry);
    }
    const numbers = entry.note.numbers as number[];
    if (numbers.includes(n)) return true;
    entry.note = { ...entry.note, numbers: [...numbers, n].slice(-REMEMBERED) };
    entry.isChanged = true;
    return false;
  }

  writes(): Write[] {
    return [...this.#notes.values()]
      .filter(({ isChanged }) => isChanged)
      .flatMap(({ before, note }) => this.#written(note, before));
  }

  /** Its end is put off now and then only: each time leaves an entry that waits for the earlier one. */
  #written(note: StoredItem, before: StoredItem | undefined): Write[] {
    const now = this.#clock.now();
    const unchanged: Condition = before ? { equals: { numbers: before.numbers } } : { absent: true };
    const isLong = Date.parse(String(before?.keepUntil)) >= now + KEPT.least;
    if (isLong) return [{ put: note, if: unchanged }];
    const keepUntil = new Date(now + KEPT.most).toISOString();
    return [{ put: { ...note, keepUntil }, if: unchanged }, expiryEntry(keepUntil, note)];
  }
}
