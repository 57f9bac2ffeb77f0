import { randomBytes, randomUUID } from 'node:crypto';
import { newUlid } from '@ioto/runtime';
import { invalid } from './invalid.ts';

/** Makes an ID; `now` is the time in milliseconds that a ULID carries. */
export type Generator = (now: number) => string;

/** Crockford's base 32: 5 random bits a letter, without bias. */
const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** The rule `generate`: `ulid`, `uuid`, `uid` (10 letters) or `uid(N)`; `true` means ULID. */
export function parseGenerator(rule: unknown, where: string): Generator | undefined {
  if (rule === undefined || rule === false) return undefined;
  if (rule === true || rule === 'ulid') return (now) => newUlid(now);
  if (rule === 'uuid') return () => randomUUID();
  const match = typeof rule === 'string' ? /^uid(?:\((\d{1,3})\))?$/.exec(rule) : null;
  const length = Number(match?.[1] ?? 10);
  if (!match || length === 0) throw invalid(where, 'generate must be ulid, uuid, uid or uid(LENGTH)');
  return () => newUid(length);
}

function newUid(length: number): string {
  let text = '';
  for (const byte of randomBytes(length)) text += LETTERS[byte & 31];
  return text;
}
