import type { Clock } from '@ioto/runtime';

interface Timer {
  at: number;
  order: number;
  callback: () => void;
}

/** A clock that only a test moves. Timers fire in the order of their times, with the clock standing at that time. */
export class VirtualClock implements Clock {
  #now: number;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(start: number = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), order: this.#order++, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Number of timers that wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Milliseconds until the next timer, or undefined when none waits. */
  get untilNext(): number | undefined {
    const next = this.#next();
    return next && Math.max(0, next.at - this.#now);
  }

  /**
   * Moves time by `ms` milliseconds, firing what falls due; between timers the promises that they settled run on, so
   * that a loop of sleeps goes through all its turns.
   */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let next = this.#next(); next && next.at <= end; next = this.#next()) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      await settle();
    }
    this.#now = end;
    await settle();
  }

  /** Sets the wall clock without firing timers in between, as a person or NTP does; may go backwards. */
  jumpTo(time: number): void {
    const shift = time - this.#now;
    this.#now = time;
    for (const timer of this.#timers) timer.at += shift;
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (!first || timer.at < first.at || (timer.at === first.at && timer.order < first.order))
        first = timer;
    }
    return first;
  }
}

/** Lets promises and I/O callbacks that are ready run. */
export async function settle(turns = 4): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
