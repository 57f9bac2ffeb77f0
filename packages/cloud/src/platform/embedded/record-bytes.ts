const FIRST_SIZE = 256;

/** Lays a record into bytes, in the shortest form that reads back exactly. */
export class RecordWriter {
  #bytes = Buffer.allocUnsafe(FIRST_SIZE);
  #used = 0;

  byte(value: number): this {
    this.#room(1);
    this.#bytes[this.#used++] = value;
    return this;
  }

  /** A whole number from 0 to 2^53 - 1, in groups of seven bits. */
  whole(value: number): this {
    this.#room(8);
    let left = value;
    while (left > 127) {
      this.#bytes[this.#used++] = (left % 128) | 128;
      left = Math.floor(left / 128);
    }
    this.#bytes[this.#used++] = left;
    return this;
  }

  /** Any number at all. */
  number(value: number): this {
    this.#room(8);
    this.#used = this.#bytes.writeDoubleBE(value, this.#used);
    return this;
  }

  bytes(value: Uint8Array): this {
    this.whole(value.length).#room(value.length);
    this.#bytes.set(value, this.#used);
    this.#used += value.length;
    return this;
  }

  text(value: string): this {
    const size = Buffer.byteLength(value);
    this.whole(size).#room(size);
    this.#used += this.#bytes.write(value, this.#used);
    return this;
  }

  /** What was written. The writer is done with it. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#used);
  }

  #room(size: number): void {
    if (this.#used + size <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#used + size));
    this.#bytes.copy(larger, 0, 0, this.#used);
    this.#bytes = larger;
  }
}

/** Reads back what `RecordWriter` wrote. Every method throws a RangeError where the record ends too soon. */
export class RecordReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  whole(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (value > Number.MAX_SAFE_INTEGER) throw new RangeError('a number that is too large');
      if (byte < 128) return value;
    }
  }

  number(): number {
    return this.#bytes.readDoubleBE(this.#take(8));
  }

  /** A view of the record. */
  bytes(): Buffer {
    const size = this.whole();
    const at = this.#take(size);
    return this.#bytes.subarray(at, at + size);
  }

  text(): string {
    return this.bytes().toString();
  }

  /** Throws unless everything was read. */
  end(): void {
    if (this.#at !== this.#bytes.length)
      throw new RangeError(`${this.#bytes.length - this.#at} bytes too many`);
  }

  #take(size: number): number {
    const at = this.#at;
    if (at + size > this.#bytes.length) throw new RangeError('the record ends too soon');
    this.#at = at + size;
    return at;
  }
}
