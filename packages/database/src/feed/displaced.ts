/**
 * Versions that wait no longer in memory, though what took their place is not on disk yet: after a power cut they may wait
 * again.
 */
export class Displaced {
  /** By the version of the change that took the place; of what was given up, by its own, negated. */
  readonly #versions = new Map<number, number>();

  /** The lowest but for those of `versions`; infinite when there is none. Costs as many as there are. */
  lowestBut(versions: ReadonlySet<number>): number {
    let lowest = Number.POSITIVE_INFINITY;
    for (const version of this.#versions.values()) {
      if (version < lowest && !versions.has(version)) lowest = version;
    }
    return lowest;
  }

  replaced(version: number, by: number): void {
    this.#versions.set(by, version);
  }

  givenUp(version: number): void {
    this.#versions.set(-version, version);
  }

  /** A change is on disk, or was taken back. */
  settled(by: number): void {
    if (this.#versions.size > 0) this.#versions.delete(by);
  }

  /** The same of a change that was given up. */
  settledLoss(version: number): void {
    this.settled(-version);
  }
}
