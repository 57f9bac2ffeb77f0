import type { Clock } from '@ioto/runtime';

export interface BucketRule {
  /** How many may come at once. */
  burst: number;
  /** Milliseconds in which a whole burst is given back, evenly. */
  period: number;
}

export interface BucketOptions {
  clock: Clock;
  rule: BucketRule;
  /** Keys kept in memory; beyond it the ones that are fullest are forgotten first. Default 100 000. */
  maxKeys?: number;
}

/** `credit` counts tokens times the rule's period, which keeps refilling exact in whole numbers. */
interface Level {
  credit: number;
  at: number;
}

/** Token buckets by key: each key has its own, which refills evenly with time. */
export class TokenBuckets {
  readonly #options: Required<BucketOptions>;
  readonly #levels = new Map<string, Level>();

  constructor(options: BucketOptions) {
    this.#options = { maxKeys: 100_000, ...options };
  }

  /** Takes `amount` from a key's bucket. Returns 0 when it was there, else the milliseconds until it will be; then nothing is taken. */
  take(key: string, amount = 1): number {
    const wait = this.untilFree(key, amount);
    if (wait > 0) return wait;
    const level = this.#level(key);
    this.#keep(key, { ...level, credit: level.credit - amount * this.#options.rule.period });
    return 0;
  }

  /** Milliseconds until `amount` is there, without taking it; 0 when it is. */
  untilFree(key: string, amount = 1): number {
    const { burst, period } = this.#options.rule;
    const short = amount * period - this.#level(key).credit;
    return short > 0 ? Math.ceil(short / burst) : 0;
  }

  /** Gives back what was taken. */
  give(key: string, amount = 1): void {
    const { burst, period } = this.#options.rule;
    const level = this.#level(key);
    this.#keep(key, { ...level, credit: Math.min(burst * period, level.credit + amount * period) });
  }

  get size(): number {
    return this.#levels.size;
  }

  #level(key: string): Level {
    const { clock, rule } = this.#options;
    const now = clock.now();
    const full = rule.burst * rule.period;
    const level = this.#levels.get(key);
    if (!level) return { credit: full, at: now };
    // A clock that was set back must not drain a bucket.
    const elapsed = Math.max(0, now - level.at);
    return { credit: Math.min(full, level.credit + elapsed * rule.burst), at: now };
  }

  #keep(key: string, level: Level): void {
    // Deleting first moves the key to the end: the map's order is the order of last use.
    this.#levels.delete(key);
    this.#levels.set(key, level);
    if (this.#levels.size <= this.#options.maxKeys) return;
    this.#forgetFull();
    const oldest = this.#levels.keys().next();
    if (this.#levels.size > this.#options.maxKeys && !oldest.done) this.#levels.delete(oldest.value);
  }

  /** Full buckets carry no knowledge; the oldest ones are looked at first. */
  #forgetFull(): void {
    const full = this.#options.rule.burst * this.#options.rule.period;
    let looked = 0;
    for (const key of this.#levels.keys()) {
      if (this.#level(key).credit >= full) this.#levels.delete(key);
      looked += 1;
      if (looked === 64) return;
    }
  }
}
