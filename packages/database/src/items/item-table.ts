import type { ItemKey } from '../schema/definition.ts';
import { Partition } from './partition.ts';
import type { ItemRecord } from './record.ts';

/** A place between items; of the whole table, or of one partition. */
export interface Place {
  readonly pk: string;
  readonly sk: string;
}

export interface TableRange {
  /** Only this partition. */
  readonly pk?: string;
  /** Only sort keys that begin so; needs `pk`. */
  readonly prefix?: string;
  /** Only items beyond this place, in the direction of the scan. */
  readonly after?: Place;
  readonly reverse?: boolean;
}

/** What follows every change of the table, as when one is taken back. */
export interface TableFollower {
  added(record: ItemRecord): void;
  removed(record: ItemRecord): void;
}

/** All items, by key, and in the order of their keys: partition key first, then sort key. */
export class ItemTable {
  readonly #partitions = new Map<string, Partition>();
  /** Partition keys in order; made again when one came or went. */
  #order: string[] | undefined;
  #size = 0;
  #followers: readonly TableFollower[] = [];

  follow(follower: TableFollower): void {
    this.#followers = [...this.#followers, follower];
  }

  get size(): number {
    return this.#size;
  }

  get({ pk, sk }: ItemKey): ItemRecord | undefined {
    return this.#partitions.get(pk)?.get(sk);
  }

  /** Puts a record there while the table is read back: followers hear of it when that is over. */
  load(record: ItemRecord): void {
    this.#partition(record.pk).load(record);
  }

  /** Ends what `load` began: counts the records, and tells the followers of all of them. */
  loaded(): void {
    this.#size = 0;
    for (const partition of this.#partitions.values()) {
      this.#size += partition.size;
      for (const follower of this.#followers) {
        for (const record of partition.values()) follower.added(record);
      }
    }
  }

  /** Returns the record that was there before. */
  put(record: ItemRecord): ItemRecord | undefined {
    const partition = this.#partition(record.pk);
    const previous = partition.put(record);
    if (!previous) this.#size += 1;
    for (const follower of this.#followers) {
      if (previous) follower.removed(previous);
      follower.added(record);
    }
    return previous;
  }

  remove({ pk, sk }: ItemKey): ItemRecord | undefined {
    const partition = this.#partitions.get(pk);
    const previous = partition?.remove(sk);
    if (!partition || !previous) return undefined;
    this.#size -= 1;
    for (const follower of this.#followers) follower.removed(previous);
    if (partition.size === 0) {
      this.#partitions.delete(pk);
      this.#order = undefined;
    }
    return previous;
  }

  #partition(pk: string): Partition {
    const known = this.#partitions.get(pk);
    if (known) return known;
    const made = new Partition(pk);
    this.#partitions.set(pk, made);
    this.#order = undefined;
    return made;
  }

  all(): ItemRecord[] {
    const records: ItemRecord[] = [];
    for (const partition of this.#partitions.values()) {
      for (const record of partition.values()) records.push(record);
    }
    return records;
  }

  /** Visits records in order until `visit` returns false. The table must not change meanwhile. */
  scan(range: TableRange, visit: (record: ItemRecord, sk: string) => boolean): void {
    const { pk, prefix, after, reverse } = range;
    if (pk === undefined) {
      this.#scanAll(range, visit);
      return;
    }
    const beyond = after && (after.pk === pk ? after.sk : isBeyond(pk, after.pk, reverse) ? undefined : null);
    if (beyond !== null) this.#partitions.get(pk)?.scan({ prefix, after: beyond, reverse }, visit);
  }

  #scanAll({ after, reverse }: TableRange, visit: (record: ItemRecord, sk: string) => boolean): void {
    this.#order ??= [...this.#partitions.keys()].sort();
    for (const pk of reverse ? this.#order.toReversed() : this.#order) {
      if (after && after.pk !== pk && !isBeyond(pk, after.pk, reverse)) continue;
      const beyond = after?.pk === pk ? after.sk : undefined;
      if (this.#partitions.get(pk)?.scan({ after: beyond, reverse }, visit) === false) return;
    }
  }
}

function isBeyond(pk: string, after: string, reverse: boolean | undefined): boolean {
  return reverse ? pk < after : pk > after;
}
