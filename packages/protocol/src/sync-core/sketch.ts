import { hash } from 'node:crypto';
import { DIGEST_BYTES, itemDigest } from './digest.ts';
import { compareTimes, type Version } from './version.ts';

/** An item of a table reduced to what two ends compare: its sort key, its time, and its digest in hex. */
export type SketchRow = readonly [key: string, updated: string, digest: string];

/** Items that share a bucket, about: the list of one differing bucket is that long. */
const ITEMS_OF_A_BUCKET = 32;
/** 4096 buckets make a message of some 64 KB, for tables of 100,000 items and more. */
const MOST_BITS = 12;
const WORDS = DIGEST_BYTES / 4;

/** Bits of the key's hash that tell its bucket, for a table of so many items. */
export function bucketBits(count: number): number {
  const bits = Math.ceil(Math.log2(Math.max(1, count / ITEMS_OF_A_BUCKET)));
  return Math.min(MOST_BITS, Math.max(0, bits));
}

/** True for a number of bits that an end may ask for. */
export function areBucketBits(bits: unknown): bits is number {
  return Number.isInteger(bits) && (bits as number) >= 0 && (bits as number) <= MOST_BITS;
}

export interface SketchOptions {
  /** The ends read items by different schemas: only keys and times are compared. */
  readonly timesOnly?: boolean;
}

/**
 * A table of items as two ends compare it without sending it: a digest of the whole, and one of each of 2^bits buckets
 * into which the hashes of the keys sort the items. Tables that differ in k items differ in at most k buckets, whatever
 * their size, and the rows of those buckets tell which items they are. It takes some 200 KB of memory at most, whatever its table
 * does: who needs the rows reads the table again.
 */
export class TableSketch {
  readonly #options: SketchOptions;
  readonly #sums = new Uint32Array(2 ** MOST_BITS * WORDS);
  /** Buckets that something was added to: of a small table, which is usual on a device, few. */
  readonly #used = new Set<number>();
  #count = 0;

  constructor(options: SketchOptions = {}) {
    this.#options = options;
  }

  get count(): number {
    return this.#count;
  }

  /** Of the whole table, in hex. */
  get digest(): string {
    return this.#folded(0).toString('hex');
  }

  add(key: string, version: Version): void {
    const digest = new Uint32Array(Uint8Array.from(digestOf(key, version, this.#options)).buffer);
    const bucket = bucketOf(key, MOST_BITS);
    addTo(this.#sums, bucket, digest, 0);
    this.#used.add(bucket);
    this.#count += 1;
  }

  /** The digests of all 2^bits buckets, one after the other, in base64. */
  buckets(bits: number): string {
    return this.#folded(bits).toString('base64');
  }

  /** Which buckets have other digests than the other table's; undefined for text that is not of 2^bits buckets. */
  differing(bits: number, theirs: string): Set<number> | undefined {
    const own = this.#folded(bits);
    const other = Buffer.from(theirs, 'base64');
    if (other.length !== own.length) return undefined;
    const differing = new Set<number>();
    for (let at = 0; at < own.length; at += DIGEST_BYTES) {
      const end = at + DIGEST_BYTES;
      if (own.compare(other, at, end, at, end) !== 0) differing.add(at / DIGEST_BYTES);
    }
    return differing;
  }

  /** Buckets of fewer bits are sums of those of more. */
  #folded(bits: number): Buffer {
    const sums = new Uint32Array(2 ** bits * WORDS);
    for (const bucket of this.#used) {
      addTo(sums, bucket >>> (MOST_BITS - bits), this.#sums, bucket);
    }
    return Buffer.from(sums.buffer);
  }
}

/** In which of 2^bits buckets the item of a key is, at both ends. */
export function bucketOf(key: string, bits: number): number {
  const place = hash('sha256', key, 'buffer').readUInt16BE(0);
  return place >>> (16 - bits);
}

/** An item as the other end is told of it. */
export function sketchRow(key: string, version: Version, options: SketchOptions = {}): SketchRow {
  return [key, version.updated, digestOf(key, version, options).toString('hex')];
}

/** What a device does about the items in which its table differs from the cloud's, by their keys. */
export interface Repair {
  /** Goes up: the cloud does not have it, has an older one, or has another of the same time. */
  readonly send: readonly string[];
  /** Is asked for: it is newer in the cloud, or not here. */
  readonly fetch: readonly string[];
}

/** @param theirs The rows of the cloud, of the same buckets as `own`. */
export function repairOf(own: readonly SketchRow[], theirs: readonly SketchRow[]): Repair {
  const unmatched = new Map(theirs.map((row) => [row[0], row]));
  const send: string[] = [];
  const fetch: string[] = [];
  for (const [key, updated, digest] of own) {
    const other = unmatched.get(key);
    unmatched.delete(key);
    const order = other ? compareTimes(updated, other[1]) : 1;
    if (order < 0) fetch.push(key);
    // Of two contents of one time the cloud knows which is to stay, and tells the device if it is its own.
    else if (order > 0 || digest !== other?.[2]) send.push(key);
  }
  fetch.push(...unmatched.keys());
  return { send, fetch };
}

function digestOf(key: string, version: Version, { timesOnly }: SketchOptions): Buffer {
  return itemDigest(key, timesOnly ? { updated: version.updated } : version);
}

/** Bit by bit, so that the order of the bytes in a word does not matter. */
function addTo(sums: Uint32Array, bucket: number, digests: Uint32Array, from: number): void {
  for (let word = 0; word < WORDS; word += 1) {
    const at = bucket * WORDS + word;
    sums[at] = (sums[at] as number) ^ (digests[from * WORDS + word] as number);
  }
}
