import type { Duplex } from 'node:stream';

/** Bytes that may stand between us and the client before messages are held back. */
const READY_BELOW = 256 * 1024;

/** Bytes of a piece that packets are laid into: at first, and at most where no packet is larger. */
const FIRST_PIECE = 256;
const LARGEST_PIECE = 256 * 1024;

const NOTHING = Buffer.alloc(0);

export interface OutboxOptions {
  /** Called whenever the stream has taken what was written. */
  onWritten: () => void;
  /** Calls `write` when what the packets promise is durable, in order; without it they are written in their turn. */
  gate?: (write: () => void) => void;
}

/**
 * The writing side of one connection: however many packets a loop turn makes, its stream gets one write. Packets are laid
 * straight into the bytes that are written; a connection that says nothing holds none.
 */
export class Outbox {
  /** Where the packet goes that room was last reserved for. */
  bytes: Buffer = NOTHING;
  readonly #stream: Duplex;
  readonly #onWritten: () => void;
  readonly #gate: OutboxOptions['gate'];
  /** How much of `bytes` is taken. */
  #used = 0;
  /** Full pieces before it; with a write for each packet, packets. */
  #pieces: Buffer[] = [];
  /** Bytes of both. */
  #size = 0;
  /** Bytes that were taken out of them and wait to be durable. */
  #gated = 0;
  #pieceSize = FIRST_PIECE;
  #scheduled = false;
  #writing = 0;
  #eachPacket = false;
  #ended = false;
  #abandoned = false;

  constructor(stream: Duplex, { onWritten, gate }: OutboxOptions) {
    this.#stream = stream;
    this.#onWritten = onWritten;
    this.#gate = gate;
  }

  /** From now on each packet has its own write, made when the stream has taken the one before. */
  writeEachPacket(): void {
    this.#closePiece();
    this.#eachPacket = true;
  }

  /** Bytes that the stream has not taken. */
  get pending(): number {
    return this.#size + this.#gated + this.#stream.writableLength;
  }

  /** True while messages should go on coming. */
  get ready(): boolean {
    return this.pending < READY_BELOW;
  }

  write(packet: Buffer): void {
    if (this.#ended) return;
    const at = this.reserve(packet.length);
    this.bytes.set(packet, at);
  }

  /** Makes room for one packet; it must be laid into `bytes`, from the offset that is returned, before anything else is done. */
  reserve(size: number): number {
    this.#size += size;
    if (!this.#scheduled) this.#schedule();
    if (this.#eachPacket) {
      this.bytes = Buffer.allocUnsafe(size);
      this.#pieces.push(this.bytes);
      return 0;
    }
    const at = this.#used;
    if (at + size <= this.bytes.length) {
      this.#used = at + size;
      return at;
    }
    this.#closePiece();
    if (this.#pieces.length > 0) this.#pieceSize = Math.min(this.#pieceSize * 4, LARGEST_PIECE);
    this.bytes = Buffer.allocUnsafe(Math.max(this.#pieceSize, size));
    this.#used = size;
    return 0;
  }

  /** Writes what is left and ends the stream. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const pieces = this.#takeAll();
    this.#whenDurable(() => {
      if (pieces.length > 0) this.#give(Buffer.concat(pieces));
      this.#stream.end();
    });
  }

  /** Forgets what is left. */
  abandon(): void {
    this.#ended = true;
    this.#abandoned = true;
    this.#takeAll();
  }

  #schedule(): void {
    this.#scheduled = true;
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    if (this.#ended || this.#size === 0) return;
    if (!this.#eachPacket) this.#giveAll();
    else if (this.#writing === 0) {
      const packet = this.#pieces.shift();
      if (!packet) return;
      this.#size -= packet.length;
      this.#giveWhenDurable(packet);
    }
  };

  #giveAll(): void {
    const size = this.#size;
    const pieces = this.#takeAll();
    this.#giveWhenDurable(pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces, size));
    // As large as this turn wanted it, so that the next one needs one piece, and idle ones none.
    const wanted = 2 ** Math.ceil(Math.log2(Math.max(size, FIRST_PIECE)));
    this.#pieceSize = Math.min(wanted, LARGEST_PIECE);
  }

  #closePiece(): void {
    if (this.#used > 0) this.#pieces.push(this.bytes.subarray(0, this.#used));
    this.bytes = NOTHING;
    this.#used = 0;
  }

  #takeAll(): Buffer[] {
    this.#closePiece();
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#size = 0;
    return pieces;
  }

  #whenDurable(write: () => void): void {
    if (this.#gate) this.#gate(write);
    else write();
  }

  #giveWhenDurable(bytes: Buffer): void {
    this.#writing += 1;
    if (!this.#gate) {
      this.#stream.write(bytes, this.#written);
      return;
    }
    this.#gated += bytes.length;
    this.#gate(() => {
      this.#gated -= bytes.length;
      if (!this.#abandoned) this.#stream.write(bytes, this.#written);
    });
  }

  #give(bytes: Buffer): void {
    this.#writing += 1;
    this.#stream.write(bytes, this.#written);
  }

  readonly #written = (error?: Error | null): void => {
    this.#writing -= 1;
    if (error || this.#ended) return;
    if (this.#size > 0 && !this.#scheduled) this.#schedule();
    this.#onWritten();
  };
}
