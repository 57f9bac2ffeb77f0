/** What the first bytes of a TLS connection say, as far as routing it needs. */
export type ClientHello =
  | { state: 'incomplete' }
  | { state: 'malformed'; reason: string }
  | { state: 'complete'; alpn: readonly string[] };

/** Bytes of a ClientHello, record headers included; with post-quantum key shares real ones have about 2 KB. */
export const LONGEST_CLIENT_HELLO = 16 * 1024;

/** Clients send one or two; each further one would only cost us work. */
const MOST_RECORDS = 16;

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const ALPN_EXTENSION = 16;

/**
 * Reads the protocols that a client offers (RFC 7301) out of the first bytes of its connection (RFC 8446 §4.1.2, §5.1),
 * without consuming them. Pure; call it again with more bytes while it is incomplete.
 */
export function readClientHello(bytes: Buffer): ClientHello {
  const message = handshakeBytes(bytes);
  if ('state' in message) return message;
  const reader = new Reader(message);
  try {
    reader.skip(4 + 2 + 32);
    reader.vector(1);
    reader.vector(2);
    reader.vector(1);
    if (reader.rest === 0) return { state: 'complete', alpn: [] };
    return { state: 'complete', alpn: alpnOf(reader.vector(2)) };
  } catch {
    return { state: 'malformed', reason: 'the fields of the ClientHello do not fit its length' };
  }
}

/** The whole ClientHello message, put together from as many records as it was cut into. */
function handshakeBytes(bytes: Buffer): Buffer | Exclude<ClientHello, { state: 'complete' }> {
  const parts: Buffer[] = [];
  let have = 0;
  for (let at = 0; parts.length < MOST_RECORDS; ) {
    if (bytes.length > at && bytes[at] !== HANDSHAKE_RECORD) return malformed('not a TLS handshake record');
    if (bytes.length > at + 1 && bytes[at + 1] !== 3) return malformed('not a TLS version');
    if (bytes.length < at + 5) return { state: 'incomplete' };
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0 || length > 16_384) return malformed('a record of forbidden length');
    const part = bytes.subarray(at + 5, at + 5 + length);
    parts.push(part);
    have += part.length;
    if (have >= 4) {
      const message = parts.length === 1 ? part : Buffer.concat(parts);
      if (message[0] !== CLIENT_HELLO) return malformed('the first handshake message is not a ClientHello');
      const need = 4 + message.readUIntBE(1, 3);
      if (need > LONGEST_CLIENT_HELLO) return malformed('the ClientHello is too long');
      if (have >= need) return message.subarray(0, need);
    }
    if (part.length < length) return { state: 'incomplete' };
    at += 5 + length;
  }
  return malformed('the ClientHello is cut into too many records');
}

function alpnOf(extensions: Buffer): string[] {
  const reader = new Reader(extensions);
  while (reader.rest > 0) {
    const type = reader.uint(2);
    const data = reader.vector(2);
    if (type !== ALPN_EXTENSION) continue;
    const list = new Reader(new Reader(data).vector(2));
    const names: string[] = [];
    while (list.rest > 0) names.push(list.vector(1).toString('latin1'));
    return names;
  }
  return [];
}

function malformed(reason: string): { state: 'malformed'; reason: string } {
  return { state: 'malformed', reason };
}

/** Takes fields off the front of bytes; throws RangeError when they do not reach. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get rest(): number {
    return this.#bytes.length - this.#at;
  }

  skip(length: number): void {
    if (length > this.rest) throw new RangeError('past the end');
    this.#at += length;
  }

  uint(size: 1 | 2): number {
    const from = this.#at;
    this.skip(size);
    return this.#bytes.readUIntBE(from, size);
  }

  /** Bytes that follow their own length of `size` bytes. */
  vector(size: 1 | 2): Buffer {
    const length = this.uint(size);
    const from = this.#at;
    this.skip(length);
    return this.#bytes.subarray(from, from + length);
  }
}
