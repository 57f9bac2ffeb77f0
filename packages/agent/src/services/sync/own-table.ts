import { type Database, expiryOf, type ItemKey, type Model, versionOf } from '@ioto/database';
import {
  bucketOf,
  EXPIRY_MARGIN,
  type SketchOptions,
  type SketchRow,
  sketchRow,
  TableSketch,
  type Version,
} from '@ioto/protocol';

/** Items read in one turn of the loop: some milliseconds on a small device's processor. */
const LOT = 500;

/** The device's items of a model as they are compared with the cloud's. */
export class OwnTable {
  readonly #database: Database;
  readonly #model: Model;
  /** Milliseconds: what expires before is left out at both ends. */
  readonly #until: number;
  readonly #options: SketchOptions;

  /** @param at Milliseconds, by the cloud's clock. */
  constructor(database: Database, model: Model, { at, ...options }: SketchOptions & { at: number }) {
    this.#database = database;
    this.#model = model;
    this.#until = at + EXPIRY_MARGIN;
    this.#options = options;
  }

  async sketch(): Promise<TableSketch> {
    const sketch = new TableSketch(this.#options);
    for await (const [key, version] of this.#versions()) sketch.add(key, version);
    return sketch;
  }

  async rowsOf(bits: number, buckets: ReadonlySet<number>): Promise<SketchRow[]> {
    const rows: SketchRow[] = [];
    for await (const [key, version] of this.#versions()) {
      if (buckets.has(bucketOf(key, bits))) rows.push(sketchRow(key, version, this.#options));
    }
    return rows;
  }

  /** The whole key of an item: of a model that is compared its sort key tells all that the context does not. */
  keyOf(key: string): ItemKey {
    const { pk = '' } = this.#model.keyRange({}, this.#database.context);
    return { pk, sk: key };
  }

  /** When the item was removed here, as far as that is remembered; ISO time. */
  removedAt(key: string): string | undefined {
    const { name, hash, sort } = this.#model;
    const { pk, sk } = this.keyOf(key);
    return this.#database.removedAt(name, { [hash]: pk, ...(sort !== undefined && { [sort]: sk }) });
  }

  async *#versions(): AsyncGenerator<readonly [key: string, version: Version]> {
    let next: string | undefined;
    do {
      const page = this.#database.find(this.#model.name, {}, { hidden: true, limit: LOT, next });
      for (const item of page) {
        const version = versionOf(this.#model, item);
        const expires = expiryOf(this.#model, { attributes: item });
        if (version && (expires === undefined || expires > this.#until)) yield [String(item.sk), version];
      }
      next = page.next;
      if (next !== undefined) await new Promise((resolve) => setImmediate(resolve));
    } while (next !== undefined);
  }
}
