/** Lets those who have much to do go one after the other: one in each turn of the loop, so that others have theirs between. */
export class Turns {
  #last = Promise.resolve();

  /** Resolves when it is the caller's turn; it lasts until the caller waits for something else. */
  next(): Promise<void> {
    this.#last = this.#last.then(() => new Promise((resolve) => setImmediate(resolve)));
    return this.#last;
  }
}
