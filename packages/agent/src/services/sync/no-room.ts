import { type Clock, isCodedError, type Logger, messageOf } from '@ioto/runtime';

/** Milliseconds between two words of what was dropped. */
const EVERY = 60_000;

/** True for what a full database or queue refuses (DATABASE_FULL, QUEUE_FULL). */
export function isNoRoom(error: unknown): boolean {
  return isCodedError(error) && error.status === 507;
}

/**
 * Counts what was dropped because the database is full, and says so once a minute at most. To refuse it would bring it again
 * at once, on a connection that is dropped each time.
 */
export class NoRoom {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #toldAt: number | undefined;
  /** Since the agent started. */
  dropped = 0;

  constructor({ clock, logger }: { clock: Clock; logger: Logger }) {
    this.#clock = clock;
    this.#logger = logger;
  }

  drop(what: string, error: unknown): void {
    this.dropped += 1;
    const now = this.#clock.now();
    if (this.#toldAt !== undefined && Math.abs(now - this.#toldAt) < EVERY) return;
    this.#toldAt = now;
    const facts = { what, dropped: this.dropped, error: messageOf(error) };
    this.#logger.error(facts, 'no room for what the cloud sent: remove items, or raise the limit');
  }
}
