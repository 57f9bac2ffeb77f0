import type { Clock } from '@ioto/runtime';

/** Below this the difference may be the way of the answer; milliseconds. */
const NEGLIGIBLE = 30_000;

/** The time by the cloud's clock, learned from the Date of its answers: a device may have none of its own at power-on. */
export class ServerTime {
  readonly #clock: Clock;
  readonly #corrected: (difference: number) => void;
  #offset = 0;

  /** `corrected` is told, in milliseconds, how far the device's clock turns out to be behind the cloud's. */
  constructor(clock: Clock, corrected: (difference: number) => void = () => undefined) {
    this.#clock = clock;
    this.#corrected = corrected;
  }

  /** Milliseconds since the Unix epoch. */
  now(): number {
    return this.#clock.now() + this.#offset;
  }

  /** Takes note of the Date header of an answer that just came. */
  observe(date: string | undefined): void {
    const time = Date.parse(date ?? '');
    if (Number.isNaN(time)) return;
    const difference = time - this.#clock.now();
    const offset = Math.abs(difference) > NEGLIGIBLE ? difference : 0;
    const isNews = Math.abs(offset - this.#offset) > NEGLIGIBLE;
    this.#offset = offset;
    if (isNews) this.#corrected(offset);
  }
}
