import type { Clock } from '@ioto/runtime';
import type { ItemRecord } from './record.ts';

/** Items that are removed at once, so that the loop turns between two lots. */
const LOT = 500;
/** Milliseconds. Timers of a system do not reach further than some weeks, and its clock may be set meanwhile. */
const MAX_WAIT = 60 * 60 * 1000;

/** Items whose time comes. */
export interface DueItems {
  /** When the first is due, in milliseconds since the epoch. */
  readonly next: number | undefined;
  /** At most `limit` items that are due. */
  due(now: number, limit: number): ItemRecord[];
  /** Called when an item comes in that is due before all others. */
  onEarlier: () => void;
}

export interface ExpiryWatchOptions {
  readonly clock: Clock;
  readonly queue: DueItems;
  /** Removes the items; what it could not remove is tried again later. */
  remove(records: readonly ItemRecord[]): void;
}

/** Has items removed when their time comes. */
export class ExpiryWatch {
  readonly #options: ExpiryWatchOptions;
  #cancel: (() => void) | undefined;
  #isRunning = false;

  constructor(options: ExpiryWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#isRunning = true;
    this.#options.queue.onEarlier = () => this.#arm();
    this.#arm();
  }

  stop(): void {
    this.#isRunning = false;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(atLeast = 0): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const { clock, queue } = this.#options;
    const { next } = queue;
    if (!this.#isRunning || next === undefined) return;
    const wait = Math.min(MAX_WAIT, Math.max(atLeast, next - clock.now()));
    this.#cancel = clock.after(wait, () => this.#expire(), { unref: true });
  }

  #expire(): void {
    const { clock, queue, remove } = this.#options;
    const due = queue.due(clock.now(), LOT);
    if (due.length > 0) remove(due);
    this.#arm(1);
  }
}
