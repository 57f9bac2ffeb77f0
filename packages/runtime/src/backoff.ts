export interface BackoffOptions {
  /** First delay in milliseconds. */
  first: number;
  /** Longest delay in milliseconds, jitter included. */
  limit: number;
  factor?: number;
  /** Share of the delay that is drawn at random, 0..1: with 0.2 a delay lies within ±20 %. */
  jitter?: number;
  /** A number in [0, 1); injected so that tests are repeatable. */
  random?: () => number;
}

/** Exponentially growing delays with jitter. Pure but for its counter: `next()` says how long to wait, waiting is the caller's. */
export class Backoff {
  readonly #options: Required<BackoffOptions>;
  #attempt = 0;

  constructor(options: BackoffOptions) {
    this.#options = { factor: 2, jitter: 0.2, random: Math.random, ...options };
  }

  get attempt(): number {
    return this.#attempt;
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const { first, limit, factor, jitter, random } = this.#options;
    const base = Math.min(limit, first * factor ** this.#attempt);
    this.#attempt += 1;
    const spread = 1 + jitter * (2 * random() - 1);
    return Math.min(limit, Math.round(base * spread));
  }

  reset(): void {
    this.#attempt = 0;
  }
}
