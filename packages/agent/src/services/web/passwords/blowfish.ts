import { PI_DIGITS } from './pi-digits.ts';

const ROUNDS = 16;
/** Words of the key schedule; four tables of 256 words follow them in the digits. */
const SCHEDULE = ROUNDS + 2;
const TABLE = 256;

/**
 * The cipher Blowfish (B. Schneier, 1993), for one thing alone: verifying passwords that were hashed with it long ago. The library
 * of Node has it no more.
 */
export class Blowfish {
  readonly #schedule: Uint32Array;
  readonly #tables: Uint32Array;

  /** `key`: 1 to 72 bytes count. */
  constructor(key: Uint8Array) {
    const digits = Buffer.from(PI_DIGITS, 'base64');
    const words = Uint32Array.from({ length: digits.length / 4 }, (_, at) => digits.readUInt32BE(at * 4));
    this.#schedule = words.slice(0, SCHEDULE);
    this.#tables = words.slice(SCHEDULE);
    let at = 0;
    for (let each = 0; each < SCHEDULE; each += 1) {
      let word = 0;
      for (let byte = 0; byte < 4; byte += 1) {
        word = (word << 8) | (key[at] as number);
        at = (at + 1) % key.length;
      }
      this.#schedule[each] = (this.#schedule[each] as number) ^ word;
    }
    let block: [number, number] = [0, 0];
    for (const list of [this.#schedule, this.#tables]) {
      for (let each = 0; each < list.length; each += 2) {
        block = this.encrypt(...block);
        [list[each], list[each + 1]] = block;
      }
    }
  }

  /** One block, as two words of 32 bits. */
  encrypt(left: number, right: number): [number, number] {
    const schedule = this.#schedule;
    let [a, b] = [left, right];
    for (let round = 0; round < ROUNDS; round += 1) {
      a ^= schedule[round] as number;
      b ^= this.#mix(a);
      [a, b] = [b, a];
    }
    return [(b ^ (schedule[ROUNDS + 1] as number)) >>> 0, (a ^ (schedule[ROUNDS] as number)) >>> 0];
  }

  #mix(word: number): number {
    const tables = this.#tables;
    const first = (tables[word >>> 24] as number) + (tables[TABLE + ((word >>> 16) & 0xff)] as number);
    const second = first ^ (tables[2 * TABLE + ((word >>> 8) & 0xff)] as number);
    return (second + (tables[3 * TABLE + (word & 0xff)] as number)) | 0;
  }
}
