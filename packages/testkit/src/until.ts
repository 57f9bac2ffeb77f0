import { setTimeout as delay } from 'node:timers/promises';

/**
 * Looks again, every few milliseconds of real time, until `probe` gives something other than undefined or false, or
 * ceases to throw.
 *
 * @throws after `timeout` milliseconds, naming `what` and the last error.
 */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  { timeout = 10_000, every = 10 }: { timeout?: number; every?: number } = {},
): Promise<Exclude<T, undefined | false>> {
  const end = Date.now() + timeout;
  let last: unknown;
  do {
    try {
      const found = await probe();
      if (found !== undefined && found !== false) return found as Exclude<T, undefined | false>;
    } catch (error) {
      last = error;
    }
    await delay(every);
  } while (Date.now() < end);
  throw new Error(`waited ${timeout} ms in vain: ${what}`, { cause: last });
}
