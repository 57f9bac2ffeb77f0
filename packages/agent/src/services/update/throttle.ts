/** Spreads bytes over time, so that they come no faster than so many in a second. */
export class Throttle {
  readonly #rate: number;
  #free = 0;

  /** @param rate bytes in a second; Infinity for no bound */
  constructor(rate: number) {
    this.#rate = rate;
  }

  /** Milliseconds to wait after so many bytes that came at `now`. */
  after(bytes: number, now: number): number {
    if (!Number.isFinite(this.#rate)) return 0;
    this.#free = Math.max(this.#free, now) + (bytes / this.#rate) * 1000;
    return this.#free - now;
  }
}
