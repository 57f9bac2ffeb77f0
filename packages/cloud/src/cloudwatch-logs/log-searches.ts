import { Slots } from '../limits/slots.ts';
import type { LogPage, LogQuery, LogStore } from '../ports/log-store.ts';

/** What a page may have: events, bytes as PutLogEvents counts them, and milliseconds to find them. */
export const readLimits = { events: 10_000, bytes: 1_048_576, budget: 250 };

/** Searches of an account at once, and those that may wait for it. */
const AT_ONCE = 2;
const MAY_WAIT = 50;

/** Pages of log events, for every door: an account has so many searches at once, whichever way it asks. */
export class LogSearches {
  readonly #store: Pick<LogStore, 'read'>;
  readonly #slots = new Slots(AT_ONCE, { mayWait: MAY_WAIT });

  constructor(store: Pick<LogStore, 'read'>) {
    this.#store = store;
  }

  /**
   * One page, when it is the account's turn.
   *
   * @throws TOO_MANY_AT_ONCE, WAIT_GIVEN_UP, and what `LogStore.read` throws.
   */
  async read(accountId: string, group: string, query: Omit<LogQuery, 'bytes' | 'budget'>): Promise<LogPage> {
    const { bytes, budget } = readLimits;
    const leave = await this.#slots.enter(accountId, query.signal);
    try {
      return await this.#store.read(accountId, group, { ...query, bytes, budget });
    } finally {
      leave();
    }
  }
}
