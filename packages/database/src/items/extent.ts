import type { ItemTable } from './item-table.ts';
import type { ItemRecord } from './record.ts';

/** How large the items are together, about as in a journal: counted in characters of keys and values. */
export class Extent {
  readonly #items: ItemTable;
  /** Undefined until somebody asks: counting takes time for every item that is written or read back. */
  #size: number | undefined;

  constructor(items: ItemTable) {
    this.#items = items;
  }

  get size(): number {
    if (this.#size === undefined) {
      this.#size = this.#items.all().reduce((sum, record) => sum + sizeOf(record), 0);
      this.#items.follow(this);
    }
    return this.#size;
  }

  added(record: ItemRecord): void {
    this.#size = (this.#size ?? 0) + sizeOf(record);
  }

  removed(record: ItemRecord): void {
    this.#size = (this.#size ?? 0) - sizeOf(record);
  }
}

export function sizeOf({ pk, sk, model, attributes }: ItemRecord): number {
  return pk.length + sk.length + model.length + valueSize(attributes);
}

export function valueSize(value: unknown): number {
  if (typeof value === 'string') return value.length + 3;
  if (typeof value !== 'object' || value === null) return 8;
  let size = 2;
  if (Array.isArray(value)) {
    for (const element of value) size += valueSize(element) + 1;
    return size;
  }
  for (const name in value) size += name.length + 4 + valueSize((value as Record<string, unknown>)[name]);
  return size;
}
