import { type MetricStatistic, PERCENTILE } from '@ioto/protocol';
import { finestPoints } from '../device-metrics/finest-points.ts';
import type { SeriesItem } from '../device-metrics/series-records.ts';
import { type Point, together } from '../device-metrics/spans.ts';
import { invalid } from './errors.ts';

/** What CloudWatch calls ours. */
const STATISTICS: ReadonlyMap<string, MetricStatistic> = new Map([
  ['Average', 'avg'],
  ['Sum', 'sum'],
  ['Minimum', 'min'],
  ['Maximum', 'max'],
  ['SampleCount', 'count'],
]);

/** @throws InvalidParameterValueException; trimmed means and their kin are not served. */
export function simpleStatistic(name: unknown, where: string): MetricStatistic {
  const known = typeof name === 'string' ? STATISTICS.get(name) : undefined;
  if (known) return known;
  throw invalid(`The value of the parameter ${where} must be one of ${[...STATISTICS.keys()].join(', ')}.`);
}

/** @throws InvalidParameterValueException */
export function percentileStatistic(name: unknown, where: string): MetricStatistic {
  if (typeof name === 'string' && PERCENTILE.test(name)) return name as MetricStatistic;
  throw invalid(
    `The value of the parameter ${where} must be a percentile between p0 and p100, such as p99.9.`,
  );
}

/** Either. @throws InvalidParameterValueException */
export function anyStatistic(name: unknown, where: string): MetricStatistic {
  return typeof name === 'string' && STATISTICS.has(name)
    ? simpleStatistic(name, where)
    : percentileStatistic(name, where);
}

/**
 * What was measured in each period of a time that has samples, the oldest first. Where the cloud holds no more than a
 * longer interval, that stands for all of it at the period that it begins in, or at the first one asked for. Pure.
 *
 * @param range Milliseconds, `from` and `to` since the epoch.
 */
export function periodsOf(
  series: SeriesItem | undefined,
  { from, to, period, now }: { from: number; to: number; period: number; now: number },
): Point[] {
  const first = Math.floor(from / period) * period;
  const periods = new Map<number, Point>();
  for (const { interval: _interval, ...point } of finestPoints(series, { from, to, now })) {
    const at = Math.max(first, Math.floor(point.at / period) * period);
    const before = periods.get(at);
    periods.set(at, before ? together(before, { ...point, at }) : { ...point, at });
  }
  return [...periods.values()].sort((a, b) => a.at - b.at);
}
