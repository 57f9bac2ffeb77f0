import { describe, expect, it } from 'vitest';
import { renewalTime } from './plan.ts';

const MINUTE = 60_000;

describe('credentials are renewed', () => {
  it.each([
    ['20 minutes before they expire', 60, 0, 40],
    ['a little earlier, so that a fleet is spread', 60, 0.999, 35],
    ['at half of a life that is shorter than 40 minutes', 15, 0, 7.5],
    ['at once when they are over', -5, 0.5, -5],
  ])('%s', (_what, life, random, after) => {
    const renewed = renewalTime({ now: 0, expires: life * MINUTE, random });
    expect(Math.round((renewed / MINUTE) * 10) / 10).toBeCloseTo(after, 1);
  });
});
