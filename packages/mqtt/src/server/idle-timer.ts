import type { Clock } from '@ioto/runtime';

/** A timer that is this late or early was not late: somebody set the clock. */
const CLOCK_WAS_SET = 5000;

/**
 * Calls `onIdle` when `touch` was not called for `period` milliseconds. A touch costs no timer, and a wall clock that is set
 * ends nothing: time is then counted anew.
 */
export class IdleTimer {
  readonly #clock: Clock;
  readonly #period: number;
  readonly #onIdle: () => void;
  #touched: number;
  #cancel: () => void = () => undefined;

  constructor(clock: Clock, period: number, onIdle: () => void) {
    this.#clock = clock;
    this.#period = period;
    this.#onIdle = onIdle;
    this.#touched = clock.now();
  }

  start(): void {
    this.touch();
    this.#arm(this.#period);
  }

  touch(): void {
    this.#touched = this.#clock.now();
  }

  stop(): void {
    this.#cancel();
  }

  #arm(ms: number): void {
    const due = this.#clock.now() + ms;
    this.#cancel = this.#clock.after(ms, () => this.#check(due));
  }

  #check(due: number): void {
    const now = this.#clock.now();
    if (Math.abs(now - due) > CLOCK_WAS_SET) {
      this.start();
      return;
    }
    const left = this.#touched + this.#period - now;
    if (left <= 0) this.#onIdle();
    else this.#arm(Math.min(left, this.#period));
  }
}
