import type { Clock } from '@ioto/runtime';

/** Ends what takes longer than all may take, with one timer for however many there are. */
export class Deadlines<T extends object> {
  readonly #time: number;
  readonly #clock: Clock;
  readonly #late: (each: T) => void;
  /** When each is late; those that began first stand first. */
  readonly #running = new Map<T, number>();
  #cancel: (() => void) | undefined;

  /** @param time Milliseconds; infinite: nothing is ever late. */
  constructor(time: number, clock: Clock, late: (each: T) => void) {
    this.#time = time;
    this.#clock = clock;
    this.#late = late;
  }

  begin(each: T): void {
    if (!Number.isFinite(this.#time)) return;
    this.#running.set(each, this.#clock.now() + this.#time);
    this.#cancel ??= this.#look(this.#time);
  }

  end(each: T): void {
    this.#running.delete(each);
  }

  #look(after: number): () => void {
    return this.#clock.after(
      after,
      () => {
        this.#cancel = undefined;
        const now = this.#clock.now();
        for (const [each, until] of this.#running) {
          if (until > now) {
            this.#cancel = this.#look(until - now);
            return;
          }
          this.#running.delete(each);
          this.#late(each);
        }
      },
      { unref: true },
    );
  }
}
