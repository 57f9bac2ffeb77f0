import type { Clock } from '@ioto/runtime';

/** One who waits for something to happen under a key. */
export interface Waiter {
  /** Resolves at the first event since the waiter was opened or last asked, after `ms` milliseconds, or on abort. */
  next(ms: number, signal: AbortSignal): Promise<void>;
  close(): void;
  /** True when a newer waiter took this one's place: answer now. */
  readonly superseded: boolean;
}

/** Long polls by key. Opening one before looking at the state makes sure that no event falls between look and wait. */
export class Waiters {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #byKey = new Map<string, Set<OpenWaiter>>();

  /** At most `most` waiters for a key: beyond it the oldest is told to answer. */
  constructor(options: { clock: Clock; most: number }) {
    this.#clock = options.clock;
    this.#most = options.most;
  }

  open(key: string): Waiter {
    const set = this.#byKey.get(key) ?? new Set<OpenWaiter>();
    this.#byKey.set(key, set);
    const waiter = new OpenWaiter(this.#clock, () => {
      set.delete(waiter);
      if (set.size === 0 && this.#byKey.get(key) === set) this.#byKey.delete(key);
    });
    const [oldest] = set;
    if (oldest && set.size >= this.#most) oldest.supersede();
    set.add(waiter);
    return waiter;
  }

  notify(key: string): void {
    for (const waiter of this.#byKey.get(key) ?? []) waiter.wake();
  }

  get size(): number {
    let size = 0;
    for (const set of this.#byKey.values()) size += set.size;
    return size;
  }
}

class OpenWaiter implements Waiter {
  readonly #clock: Clock;
  readonly #onClose: () => void;
  #woken = false;
  #resume: (() => void) | undefined;
  superseded = false;

  constructor(clock: Clock, onClose: () => void) {
    this.#clock = clock;
    this.#onClose = onClose;
  }

  next(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#resume = undefined;
        this.#woken = false;
        cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.#clock.after(ms, done, { unref: true });
      signal.addEventListener('abort', done, { once: true });
      this.#resume = done;
      if (this.#woken || this.superseded || signal.aborted) done();
    });
  }

  wake(): void {
    this.#woken = true;
    this.#resume?.();
  }

  supersede(): void {
    this.superseded = true;
    this.#onClose();
    this.wake();
  }

  close(): void {
    this.#onClose();
  }
}
