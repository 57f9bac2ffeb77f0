const NOTHING = Buffer.alloc(0);

/** `body` is where the variable header begins, `end` behind the last byte. */
export type OnPacket = (first: number, bytes: Buffer, body: number, end: number) => void;

/** Finds the packets in what a server sends; makes no object for any of them. */
export class PacketScanner {
  readonly #onPacket: OnPacket;
  #rest: Buffer = NOTHING;

  constructor(onPacket: OnPacket) {
    this.#onPacket = onPacket;
  }

  push(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (;;) {
      let length = 0;
      let shift = 0;
      let body = at + 1;
      let digit = 128;
      while (digit > 127 && body < bytes.length) {
        digit = bytes[body++] as number;
        length |= (digit & 127) << shift;
        shift += 7;
      }
      if (digit > 127 || body + length > bytes.length) break;
      this.#onPacket(bytes[at] as number, bytes, body, body + length);
      at = body + length;
    }
    this.#rest = at === bytes.length ? NOTHING : bytes.subarray(at);
  }
}

/** The packet identifier of a PUBLISH of QoS 1. */
export function packetIdOf(bytes: Buffer, body: number): number {
  const at = body + 2 + (((bytes[body] as number) << 8) | (bytes[body + 1] as number));
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}
