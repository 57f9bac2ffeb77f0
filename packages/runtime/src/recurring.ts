import type { Clock } from './clock.ts';
import { messageOf } from './errors.ts';
import type { Component } from './lifecycle.ts';
import type { Logger } from './log.ts';

export interface RecurringOptions {
  name: string;
  /** Milliseconds from the end of one turn to the next; the first comes as long after the start. */
  every: number;
  clock: Clock;
  logger: Logger;
  /** What the log says where a turn fails; the next comes all the same. */
  failure: string;
  /** One turn. `isStopping` turns true when it is to end where it can. */
  turn(isStopping: () => boolean): Promise<void>;
}

/** Something that is done again and again, never twice at once, from start to stop; the stop waits for a turn under way. */
export class Recurring implements Component {
  readonly name: string;
  readonly #options: RecurringOptions;
  #cancel: (() => void) | undefined;
  #turn: Promise<void> = Promise.resolve();
  #isRunning = false;

  constructor(options: RecurringOptions) {
    this.name = options.name;
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#isRunning = true;
    this.#arm();
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#cancel?.();
    await this.#turn;
  }

  #arm(): void {
    if (!this.#isRunning) return;
    const { clock, every, turn, logger, failure } = this.#options;
    const take = () => {
      this.#turn = turn(() => !this.#isRunning)
        .catch((error: unknown) => logger.error({ error: messageOf(error) }, failure))
        .then(() => this.#arm());
    };
    this.#cancel = clock.after(every, take, { unref: true });
  }
}
