/** So many times `limits.buffer` may wait for a client that reads too slowly; more, and it is dropped. */
export const MOST_WAITING = 4;

/** What lasts beyond one answer, WebSockets and streams of events: so many at once, and none once the service stops. */
export class Lasting {
  readonly #limit: number;
  readonly #ends = new Set<() => void>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#ends.size;
  }

  /** Takes one in, with what ends it; returns what lets it go. Undefined: there are as many as there may be. */
  admit(end: () => void): (() => void) | undefined {
    if (this.#ends.size >= this.#limit) return undefined;
    // The same function may end two.
    const own = () => end();
    this.#ends.add(own);
    return () => void this.#ends.delete(own);
  }

  endAll(): void {
    for (const end of [...this.#ends]) end();
    this.#ends.clear();
  }
}
