import { errorCatalogue } from '@ioto/runtime';

export const slotError = errorCatalogue({
  TOO_MANY_AT_ONCE: { status: 429, retryable: true },
  WAIT_GIVEN_UP: { status: 503, retryable: true },
});

/** Milliseconds after which whoever found no room to wait may try again. */
const TRY_AGAIN = 1000;

/** At most so many at once under each key; the others wait in the order of their arrival. */
export class Slots {
  readonly #most: number;
  readonly #mayWait: number;
  readonly #taken = new Map<string, { count: number; waiting: (() => void)[] }>();

  /** @param mayWait how many may wait under each key; default any number. */
  constructor(most: number, { mayWait = Number.POSITIVE_INFINITY } = {}) {
    this.#most = most;
    this.#mayWait = mayWait;
  }

  /**
   * Resolves, when there is room, with the function that leaves again; calling it twice does nothing.
   *
   * @param signal ends the wait.
   * @throws TOO_MANY_AT_ONCE (429) when as many wait already as may; WAIT_GIVEN_UP (503) once the signal is aborted.
   */
  async enter(key: string, signal?: AbortSignal): Promise<() => void> {
    if (signal?.aborted) throw givenUp();
    const slot = this.#taken.get(key) ?? { count: 0, waiting: [] };
    this.#taken.set(key, slot);
    if (slot.count < this.#most) slot.count += 1;
    else await this.#wait(slot.waiting, signal);
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      const next = slot.waiting.shift();
      // Whoever waits takes the place over: the count stays.
      if (next) next();
      else if (--slot.count === 0) this.#taken.delete(key);
    };
  }

  #wait(waiting: (() => void)[], signal: AbortSignal | undefined): Promise<void> {
    if (waiting.length >= this.#mayWait) {
      throw slotError('TOO_MANY_AT_ONCE', `${this.#most} at a time, and ${this.#mayWait} wait already`, {
        retryAfter: TRY_AGAIN,
      });
    }
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal?.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        waiting.splice(waiting.indexOf(enter), 1);
        reject(givenUp());
      };
      waiting.push(enter);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }
}

function givenUp() {
  return slotError('WAIT_GIVEN_UP', 'nobody waits for this any more');
}
