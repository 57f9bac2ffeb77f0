/** What waits, by whom it is for: first come, first served within a key, and one of each key in turn. */
export class FairQueue<T> {
  /** The key whose turn it is first. */
  readonly #rows = new Map<string, Row<T>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  sizeOf(key: string): number {
    const row = this.#rows.get(key);
    return row ? row.items.length - row.head : 0;
  }

  push(key: string, item: T): void {
    const row = this.#rows.get(key);
    if (row) row.items.push(item);
    else this.#rows.set(key, { items: [item], head: 0 });
    this.#size += 1;
  }

  /** The next one, which waits no more. */
  shift(): T | undefined {
    const [next] = this.#rows;
    if (!next) return undefined;
    const [key, row] = next;
    const item = row.items[row.head] as T;
    row.head += 1;
    this.#size -= 1;
    // The map's order is the order of turns.
    this.#rows.delete(key);
    if (row.head < row.items.length) this.#rows.set(key, tidied(row));
    return item;
  }
}

/** Items are taken by moving the head on: to shift a long array each time would cost as much as it is long. */
interface Row<T> {
  items: T[];
  head: number;
}

function tidied<T>(row: Row<T>): Row<T> {
  return row.head < 64 || row.head * 2 < row.items.length
    ? row
    : { items: row.items.slice(row.head), head: 0 };
}
