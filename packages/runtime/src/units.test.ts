import { expect, test } from 'vitest';
import { parseSize, parseTime } from './units.ts';

test.each([
  ['15secs', 15_000],
  ['24 hrs', 86_400_000],
  ['1 day', 86_400_000],
  ['250ms', 250],
  ['1.5 min', 90_000],
  [30, 30_000],
  ['30', 30_000],
  ['never', Number.POSITIVE_INFINITY],
  ['unlimited', Number.POSITIVE_INFINITY],
])('the time %j is %d ms', (text, ms) => {
  expect(parseTime(text)).toBe(ms);
});

test.each([
  ['10k', 10_240],
  ['1mb', 1_048_576],
  ['2 GB', 2 * 1024 ** 3],
  [512, 512],
  ['unlimited', Number.POSITIVE_INFINITY],
])('the size %j is %d bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each(['', 'soon', '-1s', '10 parsecs', '1e3', '5 constructor', Number.NaN, -1])(
  '%j is refused with an example of what would do',
  (text) => {
    expect(() => parseTime(text)).toThrow(/is not a time such as/);
    expect(() => parseSize(text)).toThrow(/is not a size such as/);
  },
);
