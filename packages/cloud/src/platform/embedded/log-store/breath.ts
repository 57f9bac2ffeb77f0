/** Milliseconds for which a search may hold the loop. */
const HOLD = 10;
/** Bytes of text between two looks at the clock, and what an event counts beside its text. */
const STEP = 16 * 1024;
const PER_EVENT = 64;

/** Lets everybody else have a turn within work that takes long. */
export class Breath {
  #since = performance.now();
  #bytes = 0;

  /** Undefined as long as the work may go on, else a promise to wait for. */
  take(): Promise<void> | undefined {
    this.#bytes = 0;
    return performance.now() - this.#since > HOLD ? this.#pause() : undefined;
  }

  /** The same, after so many bytes of text were looked at. */
  after(bytes: number): Promise<void> | undefined {
    this.#bytes += bytes + PER_EVENT;
    return this.#bytes < STEP ? undefined : this.take();
  }

  async #pause(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#since = performance.now();
  }
}
