import { PACKET_TYPE, type PacketType } from './packets.ts';

/** The largest body that four length bytes can announce (3.1.1, 2.2.3). */
export const LARGEST_BODY = 268_435_455;

/** Bytes of `value` as a variable byte integer: the remaining length, and some properties (5.0, 1.5.5). */
export function variableBytes(value: number): number {
  return value < 128 ? 1 : value < 16_384 ? 2 : value < 2_097_152 ? 3 : 4;
}

/** Writes fields in order into bytes that have exactly the room for them. */
export class FieldWriter {
  readonly bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  byte(value: number): this {
    this.bytes[this.#at++] = value;
    return this;
  }

  uint16(value: number): this {
    this.#at = this.bytes.writeUInt16BE(value, this.#at);
    return this;
  }

  uint32(value: number): this {
    this.#at = this.bytes.writeUInt32BE(value, this.#at);
    return this;
  }

  variable(value: number): this {
    for (let left = value; ; left >>>= 7) {
      this.byte(left > 127 ? (left & 127) | 128 : left);
      if (left <= 127) return this;
    }
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

/** Writes one packet: its fixed header when made, then its fields in order. `body` is their exact length in bytes. */
export class PacketWriter extends FieldWriter {
  constructor(type: PacketType, flags: number, body: number) {
    if (body > LARGEST_BODY) throw new RangeError(`a ${type} packet of ${body} bytes cannot be sent`);
    super(Buffer.allocUnsafe(1 + variableBytes(body) + body));
    this.byte((PACKET_TYPE[type] << 4) | flags).variable(body);
  }
}
