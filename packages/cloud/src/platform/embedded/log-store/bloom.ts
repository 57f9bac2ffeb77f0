/** Bits for each distinct word. With all bits of a word in one line of 512, about one look in a thousand says yes wrongly. */
const BITS_PER_WORD = 16;
const LINE_BYTES = 64;
const BITS_SET = 6;

/**
 * A Bloom filter over word hashes: a word that it does not have is in none of the texts. All bits of a word lie within
 * one line of 64 bytes, so that a look touches one line of memory.
 */
export function buildBloom(hashes: Uint32Array): Buffer {
  const lines = Math.max(1, Math.ceil((hashes.length * BITS_PER_WORD) / (LINE_BYTES * 8)));
  const bloom = Buffer.alloc(lines * LINE_BYTES);
  for (const hash of hashes) {
    const line = lineOf(hash, lines);
    let bits = mixed(hash);
    for (let i = 0; i < BITS_SET; i += 1) {
      const bit = bits & 511;
      const at = line + (bit >> 3);
      bloom[at] = (bloom[at] as number) | (1 << (bit & 7));
      bits = mixed(bits);
    }
  }
  return bloom;
}

/** False when no text has the word. */
export function mayHave(bloom: Buffer, hash: number): boolean {
  const line = lineOf(hash, bloom.length / LINE_BYTES);
  let bits = mixed(hash);
  for (let i = 0; i < BITS_SET; i += 1) {
    const bit = bits & 511;
    if (((bloom[line + (bit >> 3)] as number) & (1 << (bit & 7))) === 0) return false;
    bits = mixed(bits);
  }
  return true;
}

function lineOf(hash: number, lines: number): number {
  return Math.floor((hash / 2 ** 32) * lines) * LINE_BYTES;
}

/** Spreads a hash over all bits (the finalizer of Murmur 3); never the same row of bits for a neighbour. */
function mixed(hash: number): number {
  let h = (hash + 0x9e3779b9) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
