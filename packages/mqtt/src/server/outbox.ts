import type { Duplex } from 'node:stream';

/** Bytes that may stand between us and the client before messages are held back. */
const READY_BELOW = 64 * 1024;

export interface OutboxOptions {
  /** Called whenever the stream has taken what was written. */
  onWritten: () => void;
}

/** The writing side of one connection: however many packets a loop turn makes, its stream gets one write. */
export class Outbox {
  readonly #stream: Duplex;
  readonly #onWritten: () => void;
  #packets: Buffer[] = [];
  #bytes = 0;
  #scheduled = false;
  #writing = 0;
  #eachPacket = false;
  #ended = false;

  constructor(stream: Duplex, { onWritten }: OutboxOptions) {
    this.#stream = stream;
    this.#onWritten = onWritten;
  }

  /** From now on each packet has its own write, made when the stream has taken the one before. */
  writeEachPacket(): void {
    this.#eachPacket = true;
  }

  /** Bytes that the stream has not taken. */
  get pending(): number {
    return this.#bytes + this.#stream.writableLength;
  }

  /** True while messages should go on coming. */
  get ready(): boolean {
    return this.#bytes + this.#stream.writableLength < READY_BELOW;
  }

  write(packet: Buffer): void {
    if (this.#ended) return;
    this.#packets.push(packet);
    this.#bytes += packet.length;
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#flush);
    }
  }

  /** Writes what is left and ends the stream. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#packets.length > 0) this.#give(Buffer.concat(this.#takeAll()));
    this.#stream.end();
  }

  /** Forgets what is left. */
  abandon(): void {
    this.#ended = true;
    this.#takeAll();
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    if (this.#ended || this.#packets.length === 0) return;
    if (this.#eachPacket) {
      if (this.#writing > 0) return;
      const packet = this.#packets.shift() as Buffer;
      this.#bytes -= packet.length;
      this.#give(packet);
      return;
    }
    const packets = this.#takeAll();
    this.#give(packets.length === 1 ? (packets[0] as Buffer) : Buffer.concat(packets));
  };

  #takeAll(): Buffer[] {
    const packets = this.#packets;
    this.#packets = [];
    this.#bytes = 0;
    return packets;
  }

  #give(bytes: Buffer): void {
    this.#writing += 1;
    this.#stream.write(bytes, this.#written);
  }

  readonly #written = (error?: Error | null): void => {
    this.#writing -= 1;
    if (error || this.#ended) return;
    if (this.#packets.length > 0 && !this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#flush);
    }
    this.#onWritten();
  };
}
