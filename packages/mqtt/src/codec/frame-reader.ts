import { malformed, mqttError } from '../errors.ts';

/** One packet as it lay on the wire: its first byte and its body, which is a view wherever the chunk held it whole. */
export interface Frame {
  first: number;
  body: Buffer;
  /** Bytes of the whole packet. */
  size: number;
}

const EMPTY = Buffer.alloc(0);
/** Bytes that are set aside at first for a packet that comes in pieces; it grows with what really comes. */
const FIRST_PIECE = 512;

/**
 * Cuts a stream of chunks into frames. Only a frame that crosses a chunk's border is copied, and memory is taken for bytes
 * that have come, never for bytes that a length field announces.
 */
export class FrameReader {
  /** Largest frame in bytes that is let through; may be changed between frames. */
  maxFrame: number;
  /** Name of that limit, for the error. */
  limit: string;
  /** First byte of the present frame. */
  first = 0;
  /** Where the present frame's body lies: in `bytes`, from `start` to before `end`. */
  bytes: Buffer = EMPTY;
  start = 0;
  end = 0;
  #headerSize = 0;
  #chunk: Buffer = EMPTY;
  #at = 0;
  /** The first `#filled` bytes of a frame that began in an earlier chunk. */
  #partial: Buffer = EMPTY;
  #filled = 0;

  constructor(maxFrame: number, limit: string) {
    this.maxFrame = maxFrame;
    this.limit = limit;
  }

  /** Takes the next chunk; the frames of the one before must all have been read. */
  push(chunk: Buffer): void {
    this.#chunk =
      this.#at < this.#chunk.length ? Buffer.concat([this.#chunk.subarray(this.#at), chunk]) : chunk;
    this.#at = 0;
  }

  /** True when a frame has begun and not ended. */
  get inFrame(): boolean {
    return this.#filled > 0;
  }

  /** The next whole frame, or undefined until more bytes are pushed. Throws `MQTT_MALFORMED` or `MQTT_LIMIT_EXCEEDED`. */
  next(): Frame | undefined {
    if (!this.advance()) return undefined;
    return { first: this.first, body: this.body(), size: this.end - this.start + this.#headerSize };
  }

  /**
   * Goes on to the next whole frame, which `first`, `bytes`, `start` and `end` then tell; false until more bytes are
   * pushed. Throws as `next`.
   */
  advance(): boolean {
    return this.#filled > 0 ? this.#nextFromPieces() : this.#nextInPlace();
  }

  /** A view of the present frame's body. */
  body(): Buffer {
    return this.bytes.subarray(this.start, this.end);
  }

  /** What has come of the body of a frame that was not let through. */
  begun(): Buffer {
    const bytes = Buffer.concat([this.#partial.subarray(0, this.#filled), this.#chunk.subarray(this.#at)]);
    let last = 1;
    while ((bytes[last] ?? 0) > 127) last += 1;
    return bytes.subarray(last + 1);
  }

  #nextInPlace(): boolean {
    const start = this.#at;
    const available = this.#chunk.length - start;
    if (available === 0) {
      this.#chunk = EMPTY;
      this.#at = 0;
      return false;
    }
    const size = this.#sizeOf(this.#chunk, start, available);
    if (size === undefined || size > available) {
      this.#keep(available, size);
      return false;
    }
    this.#at = start + size;
    this.#found(this.#chunk, start, size);
    return true;
  }

  #nextFromPieces(): boolean {
    for (;;) {
      const size = this.#sizeOf(this.#partial, 0, this.#filled);
      if (size !== undefined && this.#filled === size) {
        this.#found(this.#partial, 0, size);
        this.#partial = EMPTY;
        this.#filled = 0;
        return true;
      }
      const available = this.#chunk.length - this.#at;
      if (available === 0) return false;
      // Byte by byte until the length is known, so that nothing of the next frame is taken.
      this.#keep(size === undefined ? 1 : Math.min(available, size - this.#filled), size);
    }
  }

  /** Moves `count` bytes of the chunk to the partial frame of `size` bytes. */
  #keep(count: number, size: number | undefined): void {
    const needed = this.#filled + count;
    if (needed > this.#partial.length) {
      const room = Math.max(needed, FIRST_PIECE, this.#partial.length * 2);
      const grown = Buffer.allocUnsafeSlow(Math.min(room, size ?? room));
      this.#partial.copy(grown, 0, 0, this.#filled);
      this.#partial = grown;
    }
    this.#chunk.copy(this.#partial, this.#filled, this.#at, this.#at + count);
    this.#filled = needed;
    this.#at += count;
  }

  /** Bytes of the frame that begins at `start`; undefined while its length field has not come whole (3.1.1, 2.2.3). */
  #sizeOf(bytes: Buffer, start: number, available: number): number | undefined {
    let body = 0;
    for (let index = 1; index < available; index += 1) {
      const byte = bytes[start + index] as number;
      body += (byte & 127) * 128 ** (index - 1);
      if (byte < 128) return this.#allowed(1 + index + body);
      if (index === 4) throw malformed('a remaining length of more than four bytes');
    }
    return undefined;
  }

  #allowed(size: number): number {
    if (size <= this.maxFrame) return size;
    throw mqttError('MQTT_LIMIT_EXCEEDED', `a packet of ${size} bytes; ${this.limit} is ${this.maxFrame}`, {
      details: { limit: this.limit },
    });
  }

  #found(bytes: Buffer, start: number, size: number): void {
    let header = start + 1;
    while ((bytes[header] as number) > 127) header += 1;
    this.#headerSize = header + 1 - start;
    this.first = bytes[start] as number;
    this.bytes = bytes;
    this.start = header + 1;
    this.end = start + size;
  }
}
