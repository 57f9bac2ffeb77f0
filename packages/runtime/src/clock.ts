/** Time as a capability: real code asks a `Clock`, so that a test can run ninety seconds of backoff in a millisecond. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls `callback` once after `ms` milliseconds. The returned function cancels it. Never keeps the process alive by itself when `unref` is set. */
  after(ms: number, callback: () => void, options?: { unref?: boolean }): () => void;
}

/** The largest delay that a Node timer can hold, in milliseconds; a longer one would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, callback, options) {
    const timer = setTimeout(callback, Math.min(Math.max(0, ms), LONGEST_TIMER));
    if (options?.unref) timer.unref();
    return () => clearTimeout(timer);
  },
};

/**
 * Resolves after `ms` milliseconds of `clock`, or rejects with the signal's reason as soon as it aborts.
 */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** ISO 8601 in UTC with milliseconds, the form of every time on the wire. */
export function isoTime(clock: Clock): string {
  return new Date(clock.now()).toISOString();
}
