import { randomFillSync } from 'node:crypto';
import { monotonicFactory } from 'ulid';

/** Random words are drawn by the page: a call of the system for each letter of an ID costs more than all the rest of it. */
const pool = new Uint32Array(1024);
let drawn = pool.length;

function random(): number {
  if (drawn === pool.length) {
    randomFillSync(pool);
    drawn = 0;
  }
  const word = pool[drawn] ?? 0;
  drawn += 1;
  return word / 2 ** 32;
}

const next = monotonicFactory(random);

/** A ULID: sortable by time, and strictly increasing within this process. */
export function newUlid(now?: number): string {
  return next(now);
}

/** True for the 26 Crockford base 32 letters of a ULID. */
export function isUlid(text: string): boolean {
  return /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(text);
}
