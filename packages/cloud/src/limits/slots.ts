/** At most so many at once under each key; the others wait in the order of their arrival. */
export class Slots {
  readonly #most: number;
  readonly #taken = new Map<string, { count: number; waiting: (() => void)[] }>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Resolves, when there is room, with the function that leaves again; calling it twice does nothing. */
  async enter(key: string): Promise<() => void> {
    const slot = this.#taken.get(key) ?? { count: 0, waiting: [] };
    this.#taken.set(key, slot);
    if (slot.count < this.#most) slot.count += 1;
    else await new Promise<void>((resolve) => slot.waiting.push(resolve));
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      const next = slot.waiting.shift();
      // Whoever waits takes the place over: the count stays.
      if (next) next();
      else if (--slot.count === 0) this.#taken.delete(key);
    };
  }
}
