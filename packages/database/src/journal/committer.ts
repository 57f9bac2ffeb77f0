import type { Clock } from '@ioto/runtime';
import type { Operation } from './operation.ts';

/** One change, whole or not at all: what is to be journalled, and what follows from how that ends. */
export interface Unit {
  /** What is to be journalled, and about how many characters that is. */
  readonly operations: readonly Operation[];
  readonly size: number;
  /** May wait for the next commit or `maxAge`, whichever comes first; its maker was told that it is done. */
  readonly lazy: boolean;
  /** Takes the change back in memory. */
  undo(): void;
  /** Makes it once more, after `undo`. */
  redo(): void;
  settle(error?: unknown): void;
}

/** Commits up to this many characters at once: what is on disk in part is lost in whole. */
const BATCH_LIMIT = 4 * 1024 * 1024;

export interface CommitterOptions {
  clock: Clock;
  maxAge: number;
  /** Resolves when the operations are on disk. */
  write(operations: readonly Operation[]): Promise<void>;
}

/**
 * Group commit: all changes that arrive while one commit is under way go into the next, in order, with one sync. When a
 * commit fails, it and every change made on top of it are taken back, latest first.
 */
export class Committer {
  readonly #options: CommitterOptions;
  #queue: Unit[] = [];
  readonly #between: (() => Promise<void>)[] = [];
  #urgent = false;
  #running = false;
  #cancelTimer: (() => void) | undefined;
  #commits = 0;
  #failures = 0;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  get commits(): number {
    return this.#commits;
  }

  get failures(): number {
    return this.#failures;
  }

  append(unit: Unit): void {
    this.#queue.push(unit);
    if (unit.lazy) this.#wakeLater();
    else this.#wake();
  }

  /** Runs `task` while no commit is under way; changes that come meanwhile wait. */
  between<T>(task: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#between.push(() => task().then(resolve, reject));
      this.#start();
    });
  }

  /**
   * Resolves when everything that was appended before is on disk: for an answer that rests on it. Rejects when that was
   * taken back.
   */
  barrier(): Promise<void> {
    if (!this.#running && this.#queue.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = (error?: unknown) => (error === undefined ? resolve() : reject(error));
      this.append(nothing(settle));
    });
  }

  /** Resolves when everything that was appended before has been tried, lazy changes too. */
  flush(): Promise<void> {
    return new Promise((resolve) => {
      const settle = () => resolve();
      // An empty unit ends where the ones in front of it have ended.
      this.append(nothing(settle));
    });
  }

  /** Gives up the lazy changes that could not be committed yet, and returns their number. */
  stop(): number {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    return this.#queue.splice(0).length;
  }

  #wake(): void {
    this.#urgent = true;
    this.#start();
  }

  #wakeLater(): void {
    this.#cancelTimer ??= this.#options.clock.after(this.#options.maxAge, () => this.#wake(), {
      unref: true,
    });
  }

  #start(): void {
    if (this.#running) return;
    this.#running = true;
    // Not at once: what the program does in this turn of the loop shares the commit.
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    for (;;) {
      const task = this.#between.shift();
      if (task) await task();
      else if (this.#urgent) await this.#commit(this.#takeBatch());
      else break;
      // Whoever was just told that it is done may have more to write: that shares the next commit.
      await turnOfTheLoop();
    }
    this.#running = false;
  }

  #takeBatch(): Unit[] {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    let size = 0;
    let count = 0;
    while (count < this.#queue.length && size < BATCH_LIMIT) {
      size += this.#queue[count]?.size ?? 0;
      count += 1;
    }
    const batch = count === this.#queue.length ? this.#queue : this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(count);
    this.#urgent = this.#queue.length > 0;
    return batch;
  }

  async #commit(batch: readonly Unit[]): Promise<void> {
    const operations: Operation[] = [];
    for (const unit of batch) for (const operation of unit.operations) operations.push(operation);
    try {
      if (operations.length > 0) await this.#options.write(operations);
    } catch (error) {
      this.#takeBack(batch, error);
      return;
    }
    if (operations.length > 0) this.#commits += 1;
    for (const unit of batch) unit.settle();
  }

  /** Lazy changes were promised less: they stay in memory and are tried again. */
  #takeBack(batch: readonly Unit[], error: unknown): void {
    this.#failures += 1;
    const units = [...batch, ...this.#queue];
    for (const unit of units.toReversed()) unit.undo();
    this.#queue = units.filter((unit) => unit.lazy);
    this.#urgent = false;
    for (const unit of this.#queue) unit.redo();
    if (this.#queue.length > 0) this.#wakeLater();
    for (const unit of units) {
      if (!unit.lazy) unit.settle(error);
    }
  }
}

function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A unit that changes nothing and ends as those in front of it do. */
function nothing(settle: (error?: unknown) => void): Unit {
  return { operations: [], size: 0, lazy: false, undo: () => undefined, redo: () => undefined, settle };
}
