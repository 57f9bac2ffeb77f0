import type { Random } from './random.ts';

/** Bytes at which readers of lengths, flags and UTF-8 go wrong. */
const TELLING = [0, 1, 2, 4, 5, 0x0f, 0x10, 0x23, 0x26, 0x7f, 0x80, 0x82, 0xc0, 0xed, 0xef, 0xf4, 0xfe, 0xff];

const MUTATIONS: readonly ((bytes: Buffer, random: Random) => Buffer)[] = [
  (bytes, random) => changed(bytes, random, (byte) => byte ^ (1 << random.below(8))),
  (bytes, random) => changed(bytes, random, () => random.pick(TELLING)),
  (bytes, random) => changed(bytes, random, () => random.below(256)),
  (bytes, random) => changed(bytes, random, (byte) => byte + (random.once(2) ? 1 : -1)),
  // Part of it goes.
  (bytes, random) => {
    const { from, to } = range(bytes, random);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  // Part of it comes twice.
  (bytes, random) => {
    const { from, to } = range(bytes, random);
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  },
  (bytes, random) => {
    const at = random.below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(8)), bytes.subarray(at)]);
  },
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  // Another remaining length, of as many bytes as it likes.
  (bytes, random) => {
    const length = Array.from({ length: 1 + random.below(5) }, () => random.pick(TELLING));
    return Buffer.concat([bytes.subarray(0, 1), Buffer.from(length), bytes.subarray(2)]);
  },
];

/** The bytes with one to four things wrong. */
export function mutated(bytes: Buffer, random: Random): Buffer {
  let result = Buffer.from(bytes);
  for (let left = 1 + random.below(4); left > 0; left -= 1) {
    result = Buffer.from(random.pick(MUTATIONS)(result, random));
  }
  return mended(result, random);
}

/** Half of the time the first remaining length is made right again, so that the damage is reached. */
function mended(bytes: Buffer, random: Random): Buffer {
  const body = bytes.length - 2;
  if (body < 0 || body > 127 || random.once(2)) return bytes;
  bytes[1] = body;
  return bytes;
}

function changed(bytes: Buffer, random: Random, change: (byte: number) => number): Buffer {
  const at = random.below(bytes.length);
  if (bytes.length > 0) bytes[at] = change(bytes[at] as number) & 255;
  return bytes;
}

function range(bytes: Buffer, random: Random): { from: number; to: number } {
  const from = random.below(bytes.length + 1);
  return { from, to: Math.min(bytes.length, from + 1 + random.below(16)) };
}
