import { expect, test } from 'vitest';
import { isUlid, newUlid } from './ids.ts';

test('ten thousand IDs of one moment are different, in order, and ULIDs', () => {
  const ids = Array.from({ length: 10_000 }, () => newUlid(1_800_000_000_000));
  expect(new Set(ids).size).toBe(ids.length);
  expect([...ids].sort()).toEqual(ids);
  expect(ids.every(isUlid)).toBe(true);
});

test('IDs of different moments share no random part', () => {
  const parts = Array.from({ length: 2000 }, (_, n) => newUlid(1_900_000_000_000 + n).slice(10));
  expect(new Set(parts).size).toBe(parts.length);
});
