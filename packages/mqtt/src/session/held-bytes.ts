/** Bytes of topic and payload that the sessions of one server hold together, waiting or not acknowledged. */
export class HeldBytes {
  readonly #most: number;
  readonly #gauge: { queuedBytes: number };

  /** The sum is kept in `gauge`, for whoever shows it. */
  constructor(most = Number.POSITIVE_INFINITY, gauge = { queuedBytes: 0 }) {
    this.#most = most;
    this.#gauge = gauge;
  }

  get sum(): number {
    return this.#gauge.queuedBytes;
  }

  /** True while there is room for so many bytes more. */
  fits(bytes: number): boolean {
    return this.sum + bytes <= this.#most;
  }

  /** What was taken counts even where there is no room: what was written down before a restart is taken whole. */
  add(bytes: number): void {
    this.#gauge.queuedBytes += bytes;
  }

  remove(bytes: number): void {
    this.#gauge.queuedBytes -= bytes;
  }
}
