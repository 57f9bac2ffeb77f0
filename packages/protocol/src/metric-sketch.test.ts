import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type MetricSketch,
  MOST_BUCKETS,
  mergeSketches,
  quantile,
  readSketch,
  sketchCount,
  sketchOf,
  sketchOfAll,
  subtractSketch,
} from './metric-sketch.ts';

const all = (values: readonly number[]): MetricSketch =>
  values.map((value) => sketchOf(value)).reduce(mergeSketches, {});
const exact = (values: readonly number[], share: number) =>
  [...values].sort((a, b) => a - b)[Math.floor(share * (values.length - 1))] as number;
/** Also of numbers that are tiny, huge or negative. */
const samples = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 }), {
  minLength: 1,
  maxLength: 60,
});

describe('a sketch of samples', () => {
  it('knows the percentiles of its samples to one part in a hundred', () => {
    fc.assert(
      fc.property(samples, fc.constantFrom(0, 0.5, 0.9, 0.95, 0.99, 1), (values, share) => {
        const [found, wanted] = [quantile(all(values), share) as number, exact(values, share)];
        expect(Math.abs(found - wanted)).toBeLessThanOrEqual(Math.abs(wanted) * 0.01);
      }),
    );
  });

  it('is the same in whatever order, and by whatever parts, it was put together', () => {
    fc.assert(
      fc.property(samples, samples, samples, (a, b, c) => {
        const [x, y, z] = [all(a), all(b), all(c)];
        const sum = mergeSketches(mergeSketches(x, y), z);
        expect(mergeSketches(x, mergeSketches(z, y))).toEqual(sum);
        expect(all([...c, ...a, ...b])).toEqual(sum);
        expect(sketchOfAll([...c, ...b, ...a].map((value) => ({ value, count: 1 })))).toEqual(sum);
        expect(sketchCount(sum)).toBe(a.length + b.length + c.length);
        expect(subtractSketch(sum, mergeSketches(x, y))).toEqual({
          ...z,
          ...(sum.k !== z.k && { k: sum.k }),
        });
      }),
    );
  });

  it('stays small over any range, and then tells less exactly, also where samples are few', () => {
    // Three decades, which are 349 buckets at the finest.
    const values = Array.from({ length: 10_000 }, (_, index) => 10 ** ((3 * index) / 10_000));
    const sketch = all(values);
    expect((sketch.p?.length ?? 0) / 2).toBeLessThanOrEqual(MOST_BUCKETS);
    expect(sketch.k).toBe(2);
    for (const share of [0.01, 0.5, 0.99]) {
      const wanted = exact(values, share);
      expect(Math.abs((quantile(sketch, share) as number) - wanted) / wanted).toBeLessThan(0.04);
    }
    expect(JSON.stringify(sketch).length).toBeLessThan(1500);
  });

  it('of none knows nothing', () => {
    expect([quantile({}, 0.5), sketchCount({})]).toEqual([undefined, 0]);
  });
});

describe('a sketch that somebody else has made', () => {
  it('is taken as it is', () => {
    const sketch = all([-5, 0, 0, 1, 2, 1000]);
    expect(readSketch(JSON.parse(JSON.stringify(sketch)), 6)).toEqual(sketch);
  });

  it.each([
    ['of another number of samples', { p: [1, 2] }],
    ['no object', 'p'],
    ['whose buckets are not in order', { p: [2, 1, 1, 2] }],
    ['with half a pair', { p: [1, 3, 2] }],
    ['with a bucket that no number is in', { p: [1e9, 3] }],
    ['with a count that is none', { p: [1, -1, 2, 4] }],
    ['that is infinitely coarse', { k: 1e6, p: [1, 3] }],
    ['of text', { z: '3' }],
  ])('%s is not', (_what, sketch) => {
    expect(readSketch(sketch, 3)).toBeUndefined();
  });
});
