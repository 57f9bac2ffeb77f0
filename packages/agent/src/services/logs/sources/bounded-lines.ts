const FEED = 0x0a;

/** Splits what a program prints into lines, none of which takes more than a bound of memory. */
export class BoundedLines {
  readonly #limit: number;
  readonly #take: (line: Buffer, left: number) => void;
  #rest: Buffer = Buffer.alloc(0);
  /** Bytes that were left out of the present line. */
  #left = 0;

  /** `take` is handed each line, and how many bytes of it were left out at its end. */
  constructor(limit: number, take: (line: Buffer, left: number) => void) {
    this.#limit = limit;
    this.#take = take;
  }

  add(data: Buffer): void {
    let from = 0;
    for (let feed = data.indexOf(FEED); feed !== -1; feed = data.indexOf(FEED, from)) {
      this.#keep(data.subarray(from, feed));
      this.#take(this.#rest, this.#left);
      this.#rest = Buffer.alloc(0);
      this.#left = 0;
      from = feed + 1;
    }
    this.#keep(data.subarray(from));
  }

  #keep(bytes: Buffer): void {
    const room = Math.max(0, this.#limit - this.#rest.length);
    if (bytes.length > 0 && room > 0) this.#rest = Buffer.concat([this.#rest, bytes.subarray(0, room)]);
    this.#left += Math.max(0, bytes.length - room);
  }
}
