/** Keys a chunk may hold before it is split; found by measuring inserts against scans. */
const CHUNK_LIMIT = 512;

interface Chunk<V> {
  readonly keys: string[];
  readonly values: V[];
}

/** Which keys a scan visits. */
export interface Range {
  /** Keys that begin so. */
  readonly prefix?: string;
  /** Only keys beyond this one, in the direction of the scan. */
  readonly after?: string;
  /** From the last to the first. */
  readonly reverse?: boolean;
}

/**
 * Values by text in ascending order, kept in chunks so that an insert moves few of them. Order is that of JavaScript's
 * `<`.
 */
export class OrderedMap<V> {
  readonly #chunks: Chunk<V>[] = [];
  #size = 0;

  /** Sorting a whole list once is far cheaper than putting its elements in one by one. Keys must differ. */
  static of<V>(entries: Iterable<readonly [key: string, value: V]>): OrderedMap<V> {
    const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
    const map = new OrderedMap<V>();
    for (let at = 0; at < sorted.length; at += CHUNK_LIMIT) {
      const part = sorted.slice(at, at + CHUNK_LIMIT);
      map.#chunks.push({ keys: part.map(([key]) => key), values: part.map(([, value]) => value) });
    }
    map.#size = sorted.length;
    return map;
  }

  get size(): number {
    return this.#size;
  }

  /** False when the key was there already; its value is replaced. */
  set(key: string, value: V): boolean {
    const index = this.#chunkFor(key);
    const chunk = this.#chunks[index];
    if (!chunk) {
      this.#chunks.push({ keys: [key], values: [value] });
      this.#size += 1;
      return true;
    }
    const { keys, values } = chunk;
    const at = (keys[keys.length - 1] as string) < key ? keys.length : firstFrom(keys, key);
    if (keys[at] === key) {
      values[at] = value;
      return false;
    }
    if (at === keys.length) {
      keys.push(key);
      values.push(value);
    } else {
      keys.splice(at, 0, key);
      values.splice(at, 0, value);
    }
    this.#size += 1;
    if (keys.length > CHUNK_LIMIT) this.#split(index, chunk, at === keys.length - 1);
    return true;
  }

  /** False when there was no such key. */
  delete(key: string): boolean {
    const index = this.#chunkFor(key);
    const chunk = this.#chunks[index];
    if (!chunk) return false;
    const at = firstFrom(chunk.keys, key);
    if (chunk.keys[at] !== key) return false;
    chunk.keys.splice(at, 1);
    chunk.values.splice(at, 1);
    this.#size -= 1;
    if (chunk.keys.length === 0) this.#chunks.splice(index, 1);
    return true;
  }

  /**
   * Visits values in order until `visit` returns false. The map must not change meanwhile. Returns false when it was
   * ended so.
   */
  scan(range: Range, visit: (value: V, key: string) => boolean): boolean {
    const { prefix = '', after, reverse } = range;
    return reverse ? this.#descend(prefix, after, visit) : this.#ascend(prefix, after, visit);
  }

  #ascend(prefix: string, after: string | undefined, visit: (value: V, key: string) => boolean): boolean {
    const exclusive = after !== undefined && after >= prefix;
    const from = exclusive ? after : prefix;
    let index = this.#chunkFrom(from);
    let at = index < this.#chunks.length ? firstFrom((this.#chunks[index] as Chunk<V>).keys, from) : 0;
    for (; index < this.#chunks.length; index += 1, at = 0) {
      const { keys, values } = this.#chunks[index] as Chunk<V>;
      // Where the last key of a chunk begins so, those between do too.
      const whole = (keys[keys.length - 1] as string).startsWith(prefix);
      for (; at < keys.length; at += 1) {
        const key = keys[at] as string;
        if (!whole && !key.startsWith(prefix)) return true;
        if (exclusive && key === after) continue;
        if (!visit(values[at] as V, key)) return false;
      }
    }
    return true;
  }

  #descend(prefix: string, after: string | undefined, visit: (value: V, key: string) => boolean): boolean {
    const isBefore = (key: string) =>
      (key < prefix || key.startsWith(prefix)) && (after === undefined || key < after);
    let index = Math.min(this.#chunks.length - 1, this.#lastBefore(isBefore));
    let at = index < 0 ? 0 : firstNot((this.#chunks[index] as Chunk<V>).keys, isBefore) - 1;
    for (; index >= 0; index -= 1, at = (this.#chunks[index]?.keys.length ?? 0) - 1) {
      const { keys, values } = this.#chunks[index] as Chunk<V>;
      for (; at >= 0; at -= 1) {
        const key = keys[at] as string;
        if (!key.startsWith(prefix)) return true;
        if (!visit(values[at] as V, key)) return false;
      }
    }
    return true;
  }

  /** The chunk that holds the key, or should. */
  #chunkFor(key: string): number {
    return Math.min(this.#chunkFrom(key), Math.max(0, this.#chunks.length - 1));
  }

  /** The first chunk whose last key is not before this one. */
  #chunkFrom(key: string): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const { keys } = this.#chunks[middle] as Chunk<V>;
      if ((keys[keys.length - 1] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #lastBefore(isBefore: (key: string) => boolean): number {
    return firstNot(this.#chunks, ({ keys }) => isBefore(keys[keys.length - 1] as string));
  }

  /** Keys that come in ascending order leave full chunks behind them. */
  #split(index: number, { keys, values }: Chunk<V>, ascending: boolean): void {
    const at = ascending ? keys.length - 1 : keys.length >> 1;
    this.#chunks.splice(index + 1, 0, { keys: keys.splice(at), values: values.splice(at) });
  }
}

/** The first place whose key is not less than `key`. */
function firstFrom(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first place whose element is not `before`; all that are come first. */
function firstNot<T>(sorted: readonly T[], before: (element: T) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before(sorted[middle] as T)) low = middle + 1;
    else high = middle;
  }
  return low;
}
