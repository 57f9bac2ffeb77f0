import { monotonicFactory } from 'ulid';

const next = monotonicFactory();

/** A ULID: sortable by time, and strictly increasing within this process. */
export function newUlid(now?: number): string {
  return next(now);
}

/** True for the 26 Crockford base 32 letters of a ULID. */
export function isUlid(text: string): boolean {
  return /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(text);
}
