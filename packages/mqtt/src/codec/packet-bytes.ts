/** The four high bits of a packet's first byte (3.1.1, table 2.1). */
export const PACKET_TYPE = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
} as const;

export type PacketType = keyof typeof PACKET_TYPE;

/** The largest body that four length bytes can announce (3.1.1, 2.2.3). */
export const LARGEST_BODY = 268_435_455;

/** Bytes that the remaining length field takes for a body of `length` bytes. */
function lengthBytes(length: number): number {
  return length < 128 ? 1 : length < 16_384 ? 2 : length < 2_097_152 ? 3 : 4;
}

/** Writes one packet: its fixed header when made, then its fields in order. `body` is their exact length in bytes. */
export class PacketWriter {
  readonly bytes: Buffer;
  #at: number;

  constructor(type: PacketType, flags: number, body: number) {
    if (body > LARGEST_BODY) throw new RangeError(`a ${type} packet of ${body} bytes cannot be sent`);
    this.bytes = Buffer.allocUnsafe(1 + lengthBytes(body) + body);
    this.bytes[0] = (PACKET_TYPE[type] << 4) | flags;
    this.#at = 1;
    for (let left = body; ; left >>>= 7) {
      this.byte(left > 127 ? (left & 127) | 128 : left);
      if (left <= 127) return;
    }
  }

  byte(value: number): this {
    this.bytes[this.#at++] = value;
    return this;
  }

  uint16(value: number): this {
    this.#at = this.bytes.writeUInt16BE(value, this.#at);
    return this;
  }

  /** A string of `length` UTF-8 bytes with its two bytes of length in front. */
  text(value: string, length = Buffer.byteLength(value)): this {
    this.uint16(length);
    this.#at += this.bytes.write(value, this.#at, length, 'utf8');
    return this;
  }

  binary(value: Buffer): this {
    return this.uint16(value.length).raw(value);
  }

  raw(value: Buffer): this {
    this.bytes.set(value, this.#at);
    this.#at += value.length;
    return this;
  }
}
