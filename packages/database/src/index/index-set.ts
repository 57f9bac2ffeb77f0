import type { ItemTable } from '../items/item-table.ts';
import type { ItemRecord } from '../items/record.ts';
import type { Schema } from '../schema/compile.ts';
import type { Context } from '../schema/definition.ts';
import { SecondaryIndex } from './secondary-index.ts';

/** The secondary indexes of a table, each made when it is first asked for and kept from then on. */
export class IndexSet {
  readonly #indexes = new Map<string, SecondaryIndex>();
  readonly #items: ItemTable;
  readonly #schema: Schema;

  constructor(items: ItemTable, schema: Schema) {
    this.#items = items;
    this.#schema = schema;
  }

  /** Keys depend on the context: with another one the index is made again. */
  get(name: string, context: Context): SecondaryIndex {
    const known = this.#indexes.get(name);
    if (known?.context === context) return known;
    const made = new SecondaryIndex(name, this.#schema, context);
    made.fill(this.#items.all());
    if (this.#indexes.size === 0) this.#items.follow(this);
    this.#indexes.set(name, made);
    return made;
  }

  added(record: ItemRecord): void {
    for (const index of this.#indexes.values()) index.add(record);
  }

  removed(record: ItemRecord): void {
    for (const index of this.#indexes.values()) index.remove(record);
  }
}
