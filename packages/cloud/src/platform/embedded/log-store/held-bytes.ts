/** Bytes of memory that several hold together: each says how much more or less it has. */
export class HeldBytes {
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  change(by: number): void {
    this.#bytes += by;
  }
}
