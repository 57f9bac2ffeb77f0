import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Kept, numberFor, pointsOf, SPANS, spanFor, withSamples } from './spans.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 0, 1);

const sample = (value: number, at: number) => ({
  at,
  count: 1,
  sum: value,
  min: value,
  max: value,
  last: value,
});
const kept = (values: readonly (readonly [value: number, at: number])[]): Kept => {
  let series: Kept = { spans: [] };
  for (const [value, at] of values) series = withSamples(series, sample(value, at), at);
  return series;
};

describe('the points of a series', () => {
  it('grow coarser with the time that they reach back', () => {
    const series = kept([
      [1, START],
      [2, START + 3 * MINUTE],
      [4, START + 13 * MINUTE],
    ]);
    const now = START + 13 * MINUTE;
    const sums = (period: number) => pointsOf(series, period, now).map(({ sum }) => sum);
    expect(sums(5 * MINUTE)).toEqual([4]);
    expect(sums(HOUR)).toEqual([3, 4]);
    expect(sums(DAY)).toEqual([7]);
    expect(spanFor(MINUTE).interval).toBe(MINUTE / 2);
    expect(spanFor(DAY).interval).toBe(2 * HOUR);
    expect(spanFor(400 * DAY)).toBe(SPANS.at(-1));
  });

  it('are so many at most, however long it is set', () => {
    let series: Kept = { spans: [] };
    for (let at = START; at < START + 400 * DAY; at += 7 * HOUR)
      series = withSamples(series, sample(1, at), at);
    const lengths = series.spans.map((points) => points.length);
    expect(lengths.every((length, index) => length <= lengthOf(index) + 1)).toBe(true);
    expect(JSON.stringify(series).length).toBeLessThan(6000);
  });

  it('come out the same in whatever order samples arrive, and lose none that is young enough', () => {
    const samples = fc.array(
      fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: 0, max: 2 * HOUR })),
    );
    fc.assert(
      fc.property(samples, (given) => {
        const now = START + 2 * HOUR;
        const add = (series: Kept, [value, ago]: [number, number]) =>
          withSamples(series, sample(value, now - ago), now);
        const forth = given.reduce(add, { spans: [] });
        const back = [...given].reverse().reduce(add, { spans: [] });
        expect(back.spans).toEqual(forth.spans);
        const count = numberFor(forth, { period: DAY, statistic: 'count', now });
        expect(count).toBe(given.length);
      }),
    );
  });

  it('never hold what is no number, whatever is added up', () => {
    const series = kept([
      [Number.MAX_VALUE, START],
      [Number.MAX_VALUE, START],
    ]);
    expect(numberFor(series, { period: DAY, statistic: 'sum', now: START })).toBe(Number.MAX_VALUE);
  });
});

describe('the statistic of a period', () => {
  const series = kept([
    [5, START],
    [1, START + HOUR],
  ]);
  const at = (now: number, statistic: 'avg' | 'current' | 'count', period = 2 * HOUR) =>
    numberFor(series, { period, statistic, now });

  it('is of its samples alone, and of none there is no average', () => {
    expect(at(START + HOUR, 'avg')).toBe(3);
    expect(at(START + HOUR, 'avg', 10 * MINUTE)).toBe(1);
    expect(at(START + 3 * DAY, 'avg')).toBeUndefined();
    expect(at(START + 3 * DAY, 'count')).toBe(0);
  });

  it('current is the latest sample, as long as that is of the period', () => {
    expect(at(START + HOUR, 'current')).toBe(1);
    expect(at(START + 4 * HOUR, 'current')).toBeUndefined();
    const late = withSamples(series, sample(9, START), START + HOUR);
    expect(numberFor(late, { period: DAY, statistic: 'current', now: START + HOUR })).toBe(1);
  });
});

function lengthOf(index: number): number {
  const { period, interval } = SPANS[index] ?? { period: 0, interval: 1 };
  return period / interval;
}
