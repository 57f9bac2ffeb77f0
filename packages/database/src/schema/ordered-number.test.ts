import fc from 'fast-check';
import { expect, it } from 'vitest';
import { orderedNumber } from './ordered-number.ts';

it('the text of numbers is in the order of the numbers', () => {
  const number = fc.oneof(fc.double({ noNaN: true }), fc.integer());
  fc.assert(
    fc.property(number, number, (a, b) => {
      const [left, right] = [orderedNumber(a), orderedNumber(b)];
      expect([left < right, left === right]).toEqual([a < b, a === b]);
    }),
  );
});
