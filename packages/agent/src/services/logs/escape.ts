/** Bytes in JSON text. Done by hand over bytes: a string for each line would be the most that a line costs. */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const HEX = Buffer.from('0123456789abcdef');
/** What stands after a backslash for a control character; 0: it is written as \u00XX. */
const SHORT = new Uint8Array(32);
SHORT[8] = 0x62;
SHORT[9] = 0x74;
SHORT[10] = 0x6e;
SHORT[12] = 0x66;
SHORT[13] = 0x72;

const REPLACEMENT = Buffer.from('\\ufffd');

export interface Escaped {
  /** Where the next byte goes. */
  at: number;
  /** There are bytes that are no ASCII. */
  hasHigh: boolean;
  /** NULs, each of which was replaced by U+FFFD. */
  nuls: number;
}

/**
 * Writes bytes as the inside of a JSON string. `target` has room for six times as many. The result is one object, used
 * again by each call.
 */
export function escapeInto(
  target: Uint8Array,
  offset: number,
  source: Uint8Array,
  start: number,
  end: number,
): Escaped {
  let at = offset;
  let high = 0;
  let nuls = 0;
  for (let index = start; index < end; index += 1) {
    const byte = source[index] as number;
    if (byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH) {
      high |= byte;
      target[at++] = byte;
    } else if (byte >= 0x20) {
      target[at++] = BACKSLASH;
      target[at++] = byte;
    } else if (byte === 0) {
      nuls += 1;
      target.set(REPLACEMENT, at);
      at += REPLACEMENT.length;
    } else {
      at = writeControl(target, at, byte);
    }
  }
  result.at = at;
  result.hasHigh = high >= 0x80;
  result.nuls = nuls;
  return result;
}

const result: Escaped = { at: 0, hasHigh: false, nuls: 0 };

function writeControl(target: Uint8Array, offset: number, byte: number): number {
  let at = offset;
  target[at++] = BACKSLASH;
  const short = SHORT[byte] as number;
  if (short !== 0) {
    target[at++] = short;
    return at;
  }
  target[at++] = 0x75;
  target[at++] = 0x30;
  target[at++] = 0x30;
  target[at++] = HEX[byte >> 4] as number;
  target[at++] = HEX[byte & 15] as number;
  return at;
}

/** How many bytes `escapeInto` would write. */
export function escapedLength(source: Uint8Array, start: number, end: number): number {
  let length = end - start;
  for (let index = start; index < end; index += 1) {
    const byte = source[index] as number;
    if (byte < 0x20) length += SHORT[byte] === 0 ? 5 : 1;
    else if (byte === QUOTE || byte === BACKSLASH) length += 1;
  }
  return length;
}
