/** `rate` events a second, with a burst of as many. Pure: the caller brings the time in milliseconds. */
export class TokenBucket {
  readonly #rate: number;
  #tokens: number;
  #filled: number;

  constructor(rate: number, now: number) {
    this.#rate = rate;
    this.#tokens = rate;
    this.#filled = now;
  }

  /** Counts one event. Returns the milliseconds to wait before the next; 0 within the rate. */
  take(now: number): number {
    const elapsed = Math.max(0, now - this.#filled);
    this.#tokens = Math.min(this.#rate, this.#tokens + (elapsed * this.#rate) / 1000);
    this.#filled = now;
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens * 1000) / this.#rate);
  }
}
