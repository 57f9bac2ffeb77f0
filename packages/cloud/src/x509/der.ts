/**
 * Writes the few ASN.1 types of a certificate in DER (X.690). Certificates are issued while a fleet comes back from an
 * outage, so this is the one hot path of the authority: a general encoder costs ten times the signature itself.
 */

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** Of a certificate request: context-specific 0. */
  attributes: 0xa0,
} as const;

function element(tag: number, parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest & 0xff);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

export const sequence = (...parts: Uint8Array[]): Buffer => element(TAG.sequence, parts);
export const set = (...parts: Uint8Array[]): Buffer => element(TAG.set, parts);
export const octetString = (content: Uint8Array): Buffer => element(TAG.octetString, [content]);
export const utf8String = (text: string): Buffer => element(TAG.utf8String, [Buffer.from(text)]);
export const boolean = (value: boolean): Buffer => element(TAG.boolean, [Buffer.from([value ? 0xff : 0])]);

/** A context-specific element; `constructed` when it wraps others. */
export function context(number: number, constructed: boolean, ...parts: Uint8Array[]): Buffer {
  return element(0x80 | (constructed ? 0x20 : 0) | number, parts);
}

/** A non-negative integer of big-endian bytes. */
export function integer(bytes: Uint8Array): Buffer {
  const sign = (bytes[0] ?? 0) & 0x80 ? [Buffer.from([0])] : [];
  return element(TAG.integer, [...sign, bytes]);
}

/** `unused` counts the bits at the end of the last byte that do not belong to the value. */
export function bitString(content: Uint8Array, unused = 0): Buffer {
  return element(TAG.bitString, [Buffer.from([unused]), content]);
}

/** An object identifier in dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return element(TAG.oid, [Buffer.from([first * 40 + second, ...rest.flatMap(base128)])]);
}

function base128(arc: number): number[] {
  const bytes = [arc & 0x7f];
  for (let rest = arc >>> 7; rest > 0; rest >>>= 7) bytes.unshift(0x80 | (rest & 0x7f));
  return bytes;
}

/** UTCTime up to 2049 and GeneralizedTime after, in whole seconds [RFC 5280 4.1.2.5]. */
export function time(ms: number): Buffer {
  const text = `${new Date(ms).toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
  return Number(text.slice(0, 4)) < 2050
    ? element(TAG.utcTime, [Buffer.from(text.slice(2))])
    : element(TAG.generalizedTime, [Buffer.from(text)]);
}
