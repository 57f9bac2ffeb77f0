import type { Clock } from '@ioto/runtime';

/** Below this the difference may be the way of the answer; milliseconds. */
const NEGLIGIBLE = 30_000;

/** The time by the cloud's clock, learned from the Date of its answers: a device may have none of its own at power-on. */
export class ServerTime {
  readonly #clock: Clock;
  #offset = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
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
    this.#offset = Math.abs(difference) > NEGLIGIBLE ? difference : 0;
  }
}
