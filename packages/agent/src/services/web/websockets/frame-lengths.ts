/** Reads along the heads of a client's frames (RFC 6455 §5.2), for a bound that is lower than that of messages. */
export class FrameLengths {
  readonly #limit: number;
  readonly #head = Buffer.alloc(14);
  #have = 0;
  /** Bytes of the present frame that are still to come. */
  #left = 0;

  /** @param limit bytes of one frame */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether a frame begins in this piece, or before it, that is longer than one may be. */
  isExceededBy(piece: Buffer): boolean {
    let at = 0;
    while (at < piece.length) {
      const passed = Math.min(this.#left, piece.length - at);
      this.#left -= passed;
      at += passed;
      if (at === piece.length) return false;
      this.#head[this.#have] = piece[at] as number;
      this.#have += 1;
      at += 1;
      if (this.#have < this.#headLength) continue;
      this.#left = this.#payload;
      this.#have = 0;
      if (this.#left > this.#limit) return true;
    }
    return false;
  }

  get #headLength(): number {
    if (this.#have < 2) return 2;
    const second = this.#head[1] as number;
    const short = second & 0x7f;
    return 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + (second & 0x80 ? 4 : 0);
  }

  get #payload(): number {
    const short = (this.#head[1] as number) & 0x7f;
    if (short < 126) return short;
    return short === 126 ? this.#head.readUInt16BE(2) : Number(this.#head.readBigUInt64BE(2));
  }
}
