import { crc32 } from 'node:zlib';

/** Headers of a message: names of at most 255 bytes, texts only. */
export type EventHeaders = Readonly<Record<string, string>>;

export interface EventMessage {
  headers: EventHeaders;
  payload: Buffer;
}

const TEXT = 7;
const PRELUDE = 12;

/**
 * One message of `application/vnd.amazon.eventstream`. Big endian: length of all (4), of the headers (4), CRC-32 of these (4); for
 * each header the length of its name (1), the name, its type (1; 7 is text), the length of its value (2), the value; the
 * payload; CRC-32 of all before (4).
 */
export function encodeEvent(headers: EventHeaders, payload: Buffer | string): Buffer {
  const head = Buffer.concat(Object.entries(headers).map(([name, value]) => encodeHeader(name, value)));
  const body = Buffer.from(payload);
  const message = Buffer.alloc(PRELUDE + head.length + body.length + 4);
  message.writeUInt32BE(message.length, 0);
  message.writeUInt32BE(head.length, 4);
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8);
  head.copy(message, PRELUDE);
  body.copy(message, PRELUDE + head.length);
  message.writeUInt32BE(crc32(message.subarray(0, -4)), message.length - 4);
  return message;
}

/** An event of a service that speaks JSON. */
export function jsonEvent(type: string, content: object): Buffer {
  const headers = { ':message-type': 'event', ':event-type': type, ':content-type': 'application/json' };
  return encodeEvent(headers, JSON.stringify(content));
}

/** What a service ends a stream with that did not end well. */
export function exceptionEvent(type: string, message: string): Buffer {
  const headers = {
    ':message-type': 'exception',
    ':exception-type': type,
    ':content-type': 'application/json',
  };
  return encodeEvent(headers, JSON.stringify({ message }));
}

/** Finds the messages in a stream that comes in pieces. */
export class EventReader {
  #rest = Buffer.alloc(0);

  /** @throws when the bytes are no such stream. */
  read(chunk: Buffer): EventMessage[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const messages: EventMessage[] = [];
    while (this.#rest.length >= PRELUDE) {
      const length = this.#rest.readUInt32BE(0);
      if (crc32(this.#rest.subarray(0, 8)) !== this.#rest.readUInt32BE(8)) throw new Error('no event stream');
      if (this.#rest.length < length) break;
      messages.push(decode(this.#rest.subarray(0, length)));
      this.#rest = this.#rest.subarray(length);
    }
    return messages;
  }
}

function decode(message: Buffer): EventMessage {
  if (crc32(message.subarray(0, -4)) !== message.readUInt32BE(message.length - 4)) {
    throw new Error('a message of an event stream is damaged');
  }
  const end = PRELUDE + message.readUInt32BE(4);
  const headers: Record<string, string> = {};
  for (let at = PRELUDE; at < end; ) {
    const name = message.toString('utf8', at + 1, at + 1 + (message[at] as number));
    at += 1 + (message[at] as number);
    if (message[at] !== TEXT) throw new Error('a header of an event stream is no text');
    const length = message.readUInt16BE(at + 1);
    headers[name] = message.toString('utf8', at + 3, at + 3 + length);
    at += 3 + length;
  }
  return { headers, payload: Buffer.from(message.subarray(end, -4)) };
}

function encodeHeader(name: string, value: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(Buffer.byteLength(value));
  return Buffer.concat([
    Buffer.from([Buffer.byteLength(name)]),
    Buffer.from(name),
    Buffer.from([TEXT]),
    length,
    Buffer.from(value),
  ]);
}
