/** What one match may cost. A unit is about five nanoseconds: a character looked at, a value compared. */
export const MOST_WORK = 3_000_000;

const EXHAUSTED = new Error('the pattern takes too much work with this event');

/**
 * Counts what matches cost, one after the other: a pattern is a tenant's and so are the texts, and the product of both may be
 * far more than a turn of the loop has room for.
 */
export class Work {
  #spent = 0;

  /** What the last match has cost. */
  get spent(): number {
    return this.#spent;
  }

  /** Makes one match, which is false when it would cost more than `MOST_WORK`. */
  of(match: () => boolean): boolean {
    this.#spent = 0;
    try {
      return match();
    } catch (error) {
      if (error !== EXHAUSTED) throw error;
      return false;
    }
  }

  /** To be called before the work is done, as far as it is known then. */
  spend(units: number): void {
    this.#spent += units;
    if (this.#spent > MOST_WORK) throw EXHAUSTED;
  }
}
