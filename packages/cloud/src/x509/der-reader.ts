/** One element of a DER encoding. */
export interface Element {
  tag: number;
  content: Buffer;
  /** The whole element, tag and length included: what signatures cover. */
  whole: Buffer;
}

/**
 * Reads the elements of a DER encoding one after the other, without following them inwards: no recursion, no memory but
 * views of the input, however the input was made.
 *
 * @throws RangeError where the input is not DER, or not what is asked for.
 */
export class DerReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The next element, which must have this tag. */
  next(tag: number): Element {
    const start = this.#at;
    if (this.#byte() !== tag) throw new RangeError(`no element with the tag ${tag} at ${start}`);
    const length = this.#length();
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError(`the element at ${start} is cut short`);
    const content = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return { tag, content, whole: this.#bytes.subarray(start, end) };
  }

  /** The next element when it has this tag. */
  optional(tag: number): Element | undefined {
    return this.#bytes[this.#at] === tag ? this.next(tag) : undefined;
  }

  /** Definite lengths of at most two bytes, in their shortest form [X.690 10.1]: enough for what is 64 KiB at most. */
  #length(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    if (first === 0x81) return this.#atLeast(0x80, this.#byte());
    if (first === 0x82) return this.#atLeast(0x100, this.#byte() * 256 + this.#byte());
    throw new RangeError('a length that is indefinite or too long');
  }

  #atLeast(least: number, length: number): number {
    if (length < least) throw new RangeError('a length that is not in its shortest form');
    return length;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new RangeError('the encoding is cut short');
    this.#at += 1;
    return byte;
  }
}
