import { OrderedMap, type Range } from '../index/ordered-map.ts';
import type { ItemRecord } from './record.ts';

/** All items of one partition key, by sort key; in order from the first time on that anybody asks for order. */
export class Partition {
  readonly pk: string;
  readonly #records = new Map<string, ItemRecord>();
  #order: OrderedMap<ItemRecord> | undefined;

  constructor(pk: string) {
    this.pk = pk;
  }

  get size(): number {
    return this.#records.size;
  }

  get(sk: string): ItemRecord | undefined {
    return this.#records.get(sk);
  }

  put(record: ItemRecord): ItemRecord | undefined {
    const previous = this.#records.get(record.sk);
    this.#records.set(record.sk, record);
    this.#order?.set(record.sk, record);
    return previous;
  }

  /** For reading a whole table back: without a word about what was there before. */
  load(record: ItemRecord): void {
    this.#records.set(record.sk, record);
  }

  remove(sk: string): ItemRecord | undefined {
    const previous = this.#records.get(sk);
    if (previous) {
      this.#records.delete(sk);
      this.#order?.delete(sk);
    }
    return previous;
  }

  values(): IterableIterator<ItemRecord> {
    return this.#records.values();
  }

  /** As OrderedMap. */
  scan(range: Range, visit: (record: ItemRecord, sk: string) => boolean): boolean {
    this.#order ??= OrderedMap.of(this.#records);
    return this.#order.scan(range, visit);
  }
}
