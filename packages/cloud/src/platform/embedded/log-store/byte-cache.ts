/** The values used last, up to so many bytes of them. */
export class ByteCache<V> {
  readonly #most: number;
  readonly #held = new Map<string, { value: V; size: number }>();
  #bytes = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get(key: string): V | undefined {
    const entry = this.#held.get(key);
    if (!entry) return undefined;
    this.#held.delete(key);
    this.#held.set(key, entry);
    return entry.value;
  }

  put(key: string, value: V, size: number): void {
    if (size > this.#most) return;
    this.#bytes += size - (this.#held.get(key)?.size ?? 0);
    this.#held.delete(key);
    this.#held.set(key, { value, size });
    for (const [oldest, entry] of this.#held) {
      if (this.#bytes <= this.#most) break;
      this.#held.delete(oldest);
      this.#bytes -= entry.size;
    }
  }
}
