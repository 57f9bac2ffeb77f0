import { keyText } from '../items/record.ts';
import type { ItemKey } from '../schema/definition.ts';

/** The memory of a removed item: without it a late copy of an older version would bring the item back. */
export interface Tombstone extends ItemKey {
  readonly model: string;
  /** When the item was removed, by the clock of whoever removed it; ISO 8601. */
  readonly updated: string;
  /** When that was heard of here, in milliseconds since the epoch. */
  readonly at: number;
  /** The cloud is known to have this removal. Not on disk. */
  isKnown?: boolean;
}

/** More than this are not kept: the oldest go first. One takes some 120 bytes on disk. */
const MOST = 10_000;

/** The removed items of the synced models, for a while; those that came first are the first to be forgotten. */
export class TombstoneTable {
  #byKey = new Map<string, Tombstone>();
  readonly #maxAge: number;

  /** @param maxAge Milliseconds for which a removal is remembered. */
  constructor(maxAge: number) {
    this.#maxAge = maxAge;
  }

  get size(): number {
    return this.#byKey.size;
  }

  get(key: ItemKey): Tombstone | undefined {
    return this.#byKey.size === 0 ? undefined : this.#byKey.get(keyText(key));
  }

  /** Returns the one that was there before. */
  put(tombstone: Tombstone): Tombstone | undefined {
    const previous = this.remove(tombstone);
    this.#byKey.set(keyText(tombstone), tombstone);
    this.#forgetOld(tombstone.at);
    return previous;
  }

  remove(key: ItemKey): Tombstone | undefined {
    const previous = this.get(key);
    if (previous) this.#byKey.delete(keyText(key));
    return previous;
  }

  /** Forgets all of them. Returns the function that brings them back. */
  clear(): () => void {
    const before = this.#byKey;
    this.#byKey = new Map();
    return () => {
      this.#byKey = before;
    };
  }

  values(): readonly Tombstone[] {
    return [...this.#byKey.values()];
  }

  #forgetOld(now: number): void {
    for (const [key, { at }] of this.#byKey) {
      if (this.#byKey.size <= MOST && now - at <= this.#maxAge) return;
      this.#byKey.delete(key);
    }
  }
}
