import { hash } from 'node:crypto';
import type { Version } from './version.ts';

/** Bytes of a digest: enough that no two tables meet by chance. */
export const DIGEST_BYTES = 12;

/** What stands for one item of a table: key, time and content. */
export function itemDigest(key: string, { updated, content }: Version): Buffer {
  const text = JSON.stringify([key, updated, content?.() ?? '']);
  return hash('sha256', text, 'buffer').subarray(0, DIGEST_BYTES);
}

/** What stands for a whole table, in hex: the digests of its items in no order, so that one can be taken out again. */
export function tableDigest(items: Iterable<readonly [key: string, version: Version]>): string {
  const sum = Buffer.alloc(DIGEST_BYTES);
  for (const [key, version] of items) {
    for (const [at, byte] of itemDigest(key, version).entries()) sum[at] = (sum[at] ?? 0) ^ byte;
  }
  return sum.toString('hex');
}
