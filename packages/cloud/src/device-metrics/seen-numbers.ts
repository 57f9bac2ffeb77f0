import type { ItemStore, StoredItem, Write } from '../ports/item-store.ts';
import type { SyncIdentity } from '../sync/wire-item.ts';

/** Numbers of a device's latest sets that are remembered; it has fewer under way. */
const REMEMBERED = 64;

/** Which numbered sets of each device are in the store already: one whose PUBACK was lost is sent again. */
export class SeenNumbers {
  readonly #store: ItemStore;
  readonly #notes = new Map<
    string,
    { before: StoredItem | undefined; note: StoredItem; isChanged: boolean }
  >();

  constructor(store: ItemStore) {
    this.#store = store;
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
      .map(({ before, note }) => ({
        put: note,
        if: before ? { equals: { numbers: before.numbers } } : { absent: true },
      }));
  }
}
