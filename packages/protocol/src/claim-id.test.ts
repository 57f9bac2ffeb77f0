import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatClaimId, isClaimId, newClaimId, parseTypedClaimId } from './claim-id.ts';

test('every letter is equally likely', () => {
  const counts = new Map<string, number>();
  const ids = 20_000;
  for (let i = 0; i < ids; i += 1)
    for (const letter of newClaimId()) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  expect(counts.size).toBe(32);
  const expected = (ids * 10) / 32;
  const chiSquare = [...counts.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
  // 31 degrees of freedom: 80 lies beyond one chance in a hundred thousand.
  expect(chiSquare).toBeLessThan(80);
});

test.each([10, 16, 20])('an ID of %d letters is valid', (length) => {
  expect(newClaimId(length)).toHaveLength(length);
  expect(isClaimId(newClaimId(length))).toBe(true);
});

test.each([0, 9, 21, 10.5, Number.NaN])('a length of %d is refused', (length) => {
  expect(() => newClaimId(length)).toThrow('10 to 20');
});

test('what people type is read as it was meant', () => {
  expect(parseTypedClaimId('jt08f-fqxwq')).toBe('JT08FFQXWQ');
  expect(parseTypedClaimId(' JTO8F FQXWQ ')).toBe('JT08FFQXWQ');
  expect(parseTypedClaimId('iloil23456')).toBe('1101123456');
});

test.each(['', 'SHORT', 'JT08FFQXWU', 'JT08FFQXWQJT08FFQXWQ1', 'JT08FFQXW/', '../../../etc'])(
  '%j is refused without being repeated',
  (typed) => {
    expect(() => parseTypedClaimId(typed)).toThrow(
      expect.objectContaining({ code: 'CLAIM_ID_MALFORMED', status: 400 }),
    );
  },
);

test('the printed form reads back as the ID, whatever its length', () => {
  fc.assert(
    fc.property(fc.integer({ min: 10, max: 20 }), (length) => {
      const id = newClaimId(length);
      expect(parseTypedClaimId(formatClaimId(id).toLowerCase())).toBe(id);
    }),
  );
  expect(formatClaimId('JT08FFQXWQ')).toBe('JT08F-FQXWQ');
});
