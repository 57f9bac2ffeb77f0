import { OrderedKeys } from '../index/ordered-keys.ts';
import type { ItemKey } from '../schema/definition.ts';
import { type ItemRecord, keyText } from './record.ts';

/** All items, by key and in the order of their keys. */
export class ItemTable {
  readonly #records = new Map<string, ItemRecord>();
  readonly #order = new OrderedKeys();

  get size(): number {
    return this.#records.size;
  }

  get(key: ItemKey): ItemRecord | undefined {
    return this.#records.get(keyText(key));
  }

  /** Returns the record that was there before. */
  put(record: ItemRecord): ItemRecord | undefined {
    const key = keyText(record);
    const previous = this.#records.get(key);
    this.#records.set(key, record);
    if (!previous) this.#order.add(key);
    return previous;
  }

  remove(key: ItemKey): ItemRecord | undefined {
    const text = keyText(key);
    const previous = this.#records.get(text);
    if (!previous) return undefined;
    this.#records.delete(text);
    this.#order.delete(text);
    return previous;
  }

  all(): ItemRecord[] {
    return [...this.#records.values()];
  }

  /** Records whose key text begins with `prefix`, in order. */
  *begins(prefix: string, options: { after?: string; reverse?: boolean }): Generator<ItemRecord, void> {
    for (const key of this.#order.begins(prefix, options)) {
      const record = this.#records.get(key);
      if (record) yield record;
    }
  }
}
