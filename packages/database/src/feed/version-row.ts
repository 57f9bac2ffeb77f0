interface Versioned {
  readonly version: number;
}

/** Places that may stand empty before the row is made anew; more than are taken, so that this costs little by element. */
const SPARE = 64;

/**
 * Elements in ascending order of their versions: put at the end, read from the front, taken from anywhere. What is taken
 * leaves its place empty, so that nothing is moved; a version that comes back finds it again.
 */
export class VersionRow<T extends Versioned> {
  #versions: number[] = [];
  #elements: (T | undefined)[] = [];
  /** Where the first element is, or the end. */
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  put(element: T): void {
    const { version } = element;
    const at = this.#placeOf(version);
    if (this.#versions[at] === version) {
      if (this.#elements[at] === undefined) this.#size += 1;
      this.#elements[at] = element;
    } else {
      this.#versions.splice(at, 0, version);
      this.#elements.splice(at, 0, element);
      this.#size += 1;
    }
    this.#head = Math.min(this.#head, at);
  }

  remove(version: number): void {
    const at = this.#placeOf(version);
    if (this.#versions[at] !== version || this.#elements[at] === undefined) return;
    this.#elements[at] = undefined;
    this.#size -= 1;
    if (at === this.#head) this.#moveHead();
    if (this.#elements.length > 2 * this.#size + SPARE) this.#tidy();
  }

  /** From the first to the last. The row must not change meanwhile. */
  *values(): Generator<T, void> {
    for (let at = this.#head; at < this.#elements.length; at += 1) {
      const element = this.#elements[at];
      if (element !== undefined) yield element;
    }
  }

  #placeOf(version: number): number {
    let high = this.#versions.length;
    if (high === 0 || (this.#versions[high - 1] as number) < version) return high;
    let low = 0;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#versions[middle] as number) < version) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #moveHead(): void {
    while (this.#head < this.#elements.length && this.#elements[this.#head] === undefined) this.#head += 1;
  }

  #tidy(): void {
    const elements = [...this.values()];
    this.#elements = elements;
    this.#versions = elements.map(({ version }) => version);
    this.#head = 0;
  }
}
