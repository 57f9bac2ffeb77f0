/** Keys a chunk may hold before it is split; found by measuring inserts against scans. */
const CHUNK_LIMIT = 512;

/**
 * Texts in ascending order, kept in chunks so that an insert moves few of them. Order is that of JavaScript's `<`.
 */
export class OrderedKeys {
  #chunks: string[][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** False when the key was there already. */
  add(key: string): boolean {
    const chunk = this.#chunks[this.#chunkFor(key)];
    if (!chunk) {
      this.#chunks.push([key]);
      this.#size += 1;
      return true;
    }
    const at = lowerBound(chunk, (other) => other < key);
    if (chunk[at] === key) return false;
    chunk.splice(at, 0, key);
    this.#size += 1;
    if (chunk.length > CHUNK_LIMIT) this.#split(chunk);
    return true;
  }

  /** False when there was no such key. */
  delete(key: string): boolean {
    const index = this.#chunkFor(key);
    const chunk = this.#chunks[index];
    if (!chunk) return false;
    const at = lowerBound(chunk, (other) => other < key);
    if (chunk[at] !== key) return false;
    chunk.splice(at, 1);
    this.#size -= 1;
    if (chunk.length === 0) this.#chunks.splice(index, 1);
    return true;
  }

  /**
   * Keys that begin with `prefix`, ascending or descending, optionally only those beyond `after` in that direction. The
   * keys must not change while it runs.
   */
  *begins(prefix: string, options: { after?: string; reverse?: boolean } = {}): Generator<string, void> {
    if (options.reverse) yield* this.#descending(prefix, options.after);
    else yield* this.#ascending(prefix, options.after);
  }

  *#ascending(prefix: string, after: string | undefined): Generator<string, void> {
    const before =
      after === undefined || after < prefix ? (key: string) => key < prefix : (key: string) => key <= after;
    let index = this.#chunkAfter(before);
    let at = lowerBound(this.#chunks[index] ?? [], before);
    for (; index < this.#chunks.length; index += 1, at = 0) {
      const chunk = this.#chunks[index] ?? [];
      for (; at < chunk.length; at += 1) {
        const key = chunk[at] as string;
        if (!key.startsWith(prefix)) return;
        yield key;
      }
    }
  }

  *#descending(prefix: string, after: string | undefined): Generator<string, void> {
    const before = (key: string) =>
      (key < prefix || key.startsWith(prefix)) && (after === undefined || key < after);
    let index = this.#chunkAfter(before);
    let at = lowerBound(this.#chunks[index] ?? [], before) - 1;
    for (; index >= 0; index -= 1, at = (this.#chunks[index]?.length ?? 0) - 1) {
      const chunk = this.#chunks[index] ?? [];
      for (; at >= 0; at -= 1) {
        const key = chunk[at] as string;
        if (!key.startsWith(prefix)) return;
        yield key;
      }
    }
  }

  /** The chunk that holds the key, or should. */
  #chunkFor(key: string): number {
    return Math.min(
      this.#chunkAfter((other) => other < key),
      Math.max(0, this.#chunks.length - 1),
    );
  }

  /** The first chunk whose last key is not `before`. */
  #chunkAfter(before: (key: string) => boolean): number {
    return lowerBound(this.#chunks, (chunk) => before(chunk[chunk.length - 1] as string));
  }

  #split(chunk: string[]): void {
    const index = this.#chunks.indexOf(chunk);
    this.#chunks.splice(index + 1, 0, chunk.splice(chunk.length >> 1));
  }
}

/** The first place whose element is not `before`; all that are come first. */
function lowerBound<T>(sorted: readonly T[], before: (element: T) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before(sorted[middle] as T)) low = middle + 1;
    else high = middle;
  }
  return low;
}
