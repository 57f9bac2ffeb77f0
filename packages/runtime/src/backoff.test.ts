import { expect, test } from 'vitest';
import { Backoff } from './backoff.ts';

test('delays double from the first to the limit', () => {
  const backoff = new Backoff({ first: 5000, limit: 60_000, jitter: 0 });
  expect(Array.from({ length: 6 }, () => backoff.next())).toEqual([
    5000, 10_000, 20_000, 40_000, 60_000, 60_000,
  ]);
});

test('jitter spreads a fleet around the delay and never past the limit', () => {
  const at = (random: number) =>
    new Backoff({ first: 1000, limit: 1100, jitter: 0.2, random: () => random }).next();
  expect(at(0)).toBe(800);
  expect(at(0.5)).toBe(1000);
  expect(at(0.999)).toBe(1100);
});

test('a reset starts over', () => {
  const backoff = new Backoff({ first: 10, limit: 1000, jitter: 0 });
  backoff.next();
  backoff.next();
  backoff.reset();
  expect(backoff.next()).toBe(10);
});
