/**
 * What a word is, in texts and in what is searched for: letters, digits and `_` of ASCII, and everything beyond ASCII, as
 * long as it goes on.
 */
const IS_WORD = new Uint8Array(256);
for (let code = 0; code < 256; code += 1) {
  const isAscii = /[0-9A-Za-z_]/.test(String.fromCharCode(code)) && code < 0x80;
  IS_WORD[code] = isAscii || code >= 0x80 ? 1 : 0;
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** True where a character of a string belongs to a word. */
export function isWordCode(code: number): boolean {
  return code >= 0x80 || IS_WORD[code] === 1;
}

/** The words of a text. */
export function wordsOf(text: string): string[] {
  return text.match(/[0-9A-Za-z_\u0080-\uffff]+/g) ?? [];
}

/** The hash of one word, as `wordHashes` makes it. */
export function wordHash(word: string): number {
  let hash = FNV_OFFSET;
  for (const byte of Buffer.from(word)) hash = Math.imul(hash ^ byte, FNV_PRIME);
  return hash >>> 0;
}

/** The hashes of all distinct words in a row of texts, of which each begins where the one before ends. */
export function wordHashes(bytes: Buffer, ends: Uint32Array): Uint32Array {
  const seen = new HashSet();
  let hash = FNV_OFFSET;
  let inWord = false;
  let at = 0;
  for (let i = 0; i < ends.length; i += 1) {
    const end = ends[i] as number;
    for (; at < end; at += 1) {
      const byte = bytes[at] as number;
      if (IS_WORD[byte] === 1) {
        hash = Math.imul(hash ^ byte, FNV_PRIME);
        inWord = true;
      } else if (inWord) {
        seen.add(hash >>> 0);
        hash = FNV_OFFSET;
        inWord = false;
      }
    }
    if (inWord) {
      seen.add(hash >>> 0);
      hash = FNV_OFFSET;
      inWord = false;
    }
  }
  return seen.values();
}

/** Numbers of 32 bits, each once. A Set of the language takes several times as long. */
class HashSet {
  #table = new Uint32Array(8192);
  #count = 0;
  /** Zero stands for a free place in the table. */
  #hasZero = false;

  add(hash: number): void {
    if (hash === 0) {
      this.#hasZero = true;
      return;
    }
    const mask = this.#table.length - 1;
    let at = (hash ^ (hash >>> 15)) & mask;
    for (let held = this.#table[at]; held !== 0; held = this.#table[at]) {
      if (held === hash) return;
      at = (at + 1) & mask;
    }
    this.#table[at] = hash;
    this.#count += 1;
    if (this.#count * 2 > this.#table.length) this.#grow();
  }

  values(): Uint32Array {
    const values = new Uint32Array(this.#count + (this.#hasZero ? 1 : 0));
    let at = 0;
    for (const hash of this.#table) {
      if (hash !== 0) {
        values[at] = hash;
        at += 1;
      }
    }
    return values;
  }

  #grow(): void {
    const before = this.#table;
    this.#table = new Uint32Array(before.length * 2);
    this.#count = 0;
    for (const hash of before) if (hash !== 0) this.add(hash);
  }
}
