import { sketchOf } from '@ioto/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finestPoints } from './finest-points.ts';
import { type Kept, withSamples } from './spans.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 0, 20, 13, 7, 11);

/** Each of one sample, so many milliseconds ago, taken in when it was new. */
function kept(samples: readonly (readonly [value: number, ago: number])[]): Kept {
  return [...samples]
    .sort((a, b) => b[1] - a[1])
    .reduce<Kept>(
      (series, [value, ago]) => {
        const at = NOW - ago;
        const one = { at, count: 1, sum: value, min: value, max: value, last: value };
        return withSamples(series, { ...one, sketch: sketchOf(value) }, at);
      },
      { spans: [] },
    );
}

describe('the points of a time', () => {
  it('are as fine as each is held', () => {
    const series = kept([
      [1, MINUTE],
      [2, 2 * MINUTE],
      [4, 30 * MINUTE],
      [8, 40 * MINUTE],
      [16, 5 * HOUR],
      [32, 3 * DAY],
    ]);
    const points = finestPoints(series, { from: NOW - 7 * DAY, to: NOW, now: NOW });
    expect(points.map(({ sum, interval }) => [sum, interval / MINUTE])).toEqual([
      [32, 720],
      [16, 120],
      [8, 5],
      [4, 5],
      [2, 0.5],
      [1, 0.5],
    ]);
  });

  it('have every sample once, and know as much of percentiles', () => {
    const samples = fc.array(
      fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 27 * DAY })),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(samples, (given) => {
        const points = finestPoints(kept(given), { from: NOW - 27 * DAY, to: NOW + 1, now: NOW });
        const total = (name: 'count' | 'sum') => points.reduce((all, point) => all + point[name], 0);
        expect(total('count')).toBe(given.length);
        expect(total('sum')).toBe(given.reduce((all, [value]) => all + value, 0));
        for (const point of points) expect(point.sketch).toBeDefined();
      }),
      { numRuns: 50 },
    );
  });

  it('end before `to`', () => {
    const series = kept([
      [1, 10 * MINUTE],
      [2, 50 * MINUTE],
    ]);
    const points = finestPoints(series, { from: NOW - HOUR, to: NOW - 30 * MINUTE, now: NOW });
    expect(points.map(({ sum }) => sum)).toEqual([2]);
  });
});
