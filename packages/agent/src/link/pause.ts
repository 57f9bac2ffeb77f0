import { type Clock, sleep } from '@ioto/runtime';

/** A wait that can be ended early: `wake` ends the present one, and does nothing when there is none. */
export class Pause {
  readonly #clock: Clock;
  #waking = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves after `ms` milliseconds or on `wake`; rejects when the signal aborts. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    const waking = new AbortController();
    this.#waking = waking;
    try {
      await sleepUntil(this.#clock, ms, AbortSignal.any([waking.signal, signal]));
    } catch (error) {
      if (signal.aborted || !waking.signal.aborted) throw error;
    }
  }

  wake(): void {
    this.#waking.abort();
  }
}

/** `never` waits for the signal alone. */
async function sleepUntil(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (Number.isFinite(ms)) return sleep(clock, ms, signal);
  await new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
