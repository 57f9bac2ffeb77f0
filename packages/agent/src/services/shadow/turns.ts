import type { Clock } from '@ioto/runtime';

/** Lets so many requests be under way at once, over all shadows; the others come in the order in which they asked. */
export class Turns {
  readonly #clock: Clock;
  #free: number;
  readonly #waiting = new Set<() => void>();
  #resume: (() => void) | undefined;

  constructor({ clock, most }: { clock: Clock; most: number }) {
    this.#clock = clock;
    this.#free = most;
  }

  /** Whether it is the caller's turn; where it is not, `again` is called when it may be. */
  take(again: () => void): boolean {
    if (this.#free > 0 && !this.#resume) {
      this.#waiting.delete(again);
      this.#free -= 1;
      return true;
    }
    this.#waiting.add(again);
    return false;
  }

  giveBack(): void {
    this.#free += 1;
    this.#call();
  }

  /** Who asked and needs it no more. */
  leave(again: () => void): void {
    this.#waiting.delete(again);
  }

  /** The cloud asked for less: nothing new is begun for so many milliseconds. */
  pause(ms: number): void {
    this.#resume?.();
    this.#resume = this.#clock.after(
      ms,
      () => {
        this.#resume = undefined;
        this.#call();
      },
      { unref: true },
    );
  }

  stop(): void {
    this.#resume?.();
    this.#waiting.clear();
  }

  #call(): void {
    // Each of them asks again, and waits again where there is no turn left.
    for (const again of [...this.#waiting]) {
      if (this.#free <= 0 || this.#resume) return;
      this.#waiting.delete(again);
      again();
    }
  }
}
