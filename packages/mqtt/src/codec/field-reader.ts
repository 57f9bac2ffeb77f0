import { isUtf8 } from 'node:buffer';
import { malformed } from '../errors.ts';

/** Reads the fields of one packet's body in order. Every read past the end is `MQTT_MALFORMED`. */
export class FieldReader {
  readonly #bytes: Buffer;
  readonly #packet: string;
  #at = 0;

  /** `packet` names the packet in errors. */
  constructor(bytes: Buffer, packet: string) {
    this.#bytes = bytes;
    this.#packet = packet;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  byte(field: string): number {
    return this.#bytes[this.#take(1, field)] as number;
  }

  uint16(field: string): number {
    return this.#bytes.readUInt16BE(this.#take(2, field));
  }

  uint32(field: string): number {
    return this.#bytes.readUInt32BE(this.#take(4, field));
  }

  /** A variable byte integer in as few bytes as it needs [MQTT5-1.5.5-1]. */
  variable(field: string): number {
    let value = 0;
    for (let index = 0; index < 4; index += 1) {
      const byte = this.byte(field);
      value += (byte & 127) * 128 ** index;
      if (byte > 127) continue;
      if (byte === 0 && index > 0) break;
      return value;
    }
    throw malformed(`${this.#packet}: ${field} is no variable byte integer`, 'MQTT5-1.5.5-1');
  }

  /** As many bytes: a view, not a copy. */
  bytes(length: number, field: string): Buffer {
    const start = this.#take(length, field);
    return this.#bytes.subarray(start, start + length);
  }

  /** 1..65535 [MQTT-2.3.1-1]. */
  packetId(): number {
    const id = this.uint16('packet identifier');
    if (id === 0) throw malformed(`${this.#packet} with packet identifier 0`, 'MQTT-2.3.1-1');
    return id;
  }

  /** Two bytes of length, then as many bytes: a view, not a copy. */
  binary(field: string): Buffer {
    return this.bytes(this.uint16(field), field);
  }

  /** A UTF-8 string without U+0000 [MQTT-1.5.3-1] [MQTT-1.5.3-2]; a leading U+FEFF is kept [MQTT-1.5.3-3]. */
  text(field: string): string {
    const bytes = this.binary(field);
    if (!isUtf8(bytes)) throw malformed(`${this.#packet}: ${field} is not UTF-8`, 'MQTT-1.5.3-1');
    if (bytes.includes(0)) throw malformed(`${this.#packet}: ${field} holds U+0000`, 'MQTT-1.5.3-2');
    return bytes.toString('utf8');
  }

  /** All that is left: a view, not a copy. */
  rest(): Buffer {
    return this.#bytes.subarray(this.#take(this.left, 'payload'));
  }

  end(): void {
    if (this.left > 0) throw malformed(`${this.#packet} is ${this.left} bytes longer than its fields`);
  }

  #take(length: number, field: string): number {
    const start = this.#at;
    if (start + length > this.#bytes.length) throw malformed(`${this.#packet} ends within its ${field}`);
    this.#at = start + length;
    return start;
  }
}
