/** Bytes that are handled in one loop turn: about as much as one subscriber is given in it. */
const TURN_BYTES = 256 * 1024;

interface Waiting {
  bytes: number;
  go: () => void;
}

/**
 * Shares the event loop among connections. A socket that always has more would be read thirty times over before anything
 * is written; beyond the budget of a turn, connections wait for the next ones in the order in which they came.
 */
export class TurnBudget {
  readonly #perTurn: number;
  #used = 0;
  #waiting: Waiting[] = [];
  #scheduled = false;

  constructor(perTurn = TURN_BYTES) {
    this.#perTurn = perTurn;
  }

  /** True when so many bytes may be handled now; otherwise `go` is called when they may. */
  take(bytes: number, go: () => void): boolean {
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#nextTurn);
    }
    if (this.#used < this.#perTurn && this.#waiting.length === 0) {
      this.#used += bytes;
      return true;
    }
    this.#waiting.push({ bytes, go });
    return false;
  }

  readonly #nextTurn = (): void => {
    this.#used = 0;
    let next = 0;
    const waiting = this.#waiting;
    for (; next < waiting.length && this.#used < this.#perTurn; next += 1) {
      const { bytes, go } = waiting[next] as Waiting;
      this.#used += bytes;
      go();
    }
    this.#waiting = waiting.slice(next);
    this.#scheduled = this.#waiting.length > 0 || this.#used > 0;
    if (this.#scheduled) setImmediate(this.#nextTurn);
  };
}
