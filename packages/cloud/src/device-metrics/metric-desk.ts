import type { MetricDimensions, MetricStatistic } from '@ioto/protocol';
import type { Clock } from '@ioto/runtime';
import type { ItemStore } from '../ports/item-store.ts';
import { readSeries, type SeriesItem, type SeriesName, seriesKeys } from './series-records.ts';
import { numberFor, pointsOf, spanFor, statisticOf } from './spans.ts';

/** What of a series is asked for. */
export interface MetricQuestion extends SeriesName {
  /** Seconds back from now. */
  period: number;
  statistic: MetricStatistic;
}

export interface MetricPoints {
  metric: string;
  dimensions: MetricDimensions;
  statistic: MetricStatistic;
  /** Seconds. */
  period: number;
  /** Seconds of one point. */
  interval: number;
  /** The oldest first; intervals without samples have none. */
  points: MetricPoint[];
}

export interface MetricPoint {
  /** Begin of the interval, milliseconds since the epoch. */
  timestamp: number;
  value: number;
  /** Samples in it. */
  count: number;
}

/** A series as a list shows it. */
export interface MetricSummary {
  /** Absent for what devices set. */
  namespace?: string;
  metric: string;
  dimensions: MetricDimensions;
  /** The latest sample. */
  value: number | undefined;
  /** ISO time at which it was last set. */
  updated: string;
}

export interface SeriesSearch {
  /** Default: what devices set. */
  namespace?: string;
  metric?: string;
}

/** Answers what owners and devices ask of the metrics that came in. */
export class MetricDesk {
  readonly #store: ItemStore;
  readonly #clock: Clock;

  constructor({ store, clock }: { store: ItemStore; clock: Clock }) {
    this.#store = store;
    this.#clock = clock;
  }

  /** One number for the whole period; undefined when there is no sample that has it. */
  async value({ period, statistic, ...name }: MetricQuestion): Promise<number | undefined> {
    const series = await readSeries(this.#store, name);
    return numberFor(series, { period: period * 1000, statistic, now: this.#clock.now() });
  }

  /** A number for each interval, or, accumulated, one for the period. A series that was never set has no points. */
  async points(
    { period, statistic, ...name }: MetricQuestion,
    { accumulate = false }: { accumulate?: boolean } = {},
  ): Promise<MetricPoints> {
    const now = this.#clock.now();
    const series = await readSeries(this.#store, name);
    const held = pointsOf(series, period * 1000, now);
    const { metric, dimensions } = name;
    const interval = accumulate ? period : spanFor(period * 1000).interval / 1000;
    const facts = { metric, dimensions, statistic, period, interval };
    if (!accumulate) {
      const points = held.flatMap((point) => {
        const value = statisticOf(point, statistic);
        return value === undefined ? [] : [{ timestamp: point.at, value, count: point.count }];
      });
      // Of the latest sample is known what it was; of those before, how they were on average.
      const latest = points.at(-1);
      if (latest && series?.last && statistic === 'current') latest.value = series.last.value;
      return { ...facts, points };
    }
    const value = numberFor(series, { period: period * 1000, statistic, now });
    const count = held.reduce((sum, point) => sum + point.count, 0);
    const timestamp = now - period * 1000;
    return { ...facts, points: value === undefined ? [] : [{ timestamp, value, count }] };
  }

  /** The series of an account, by name; `next` of an answer continues it. */
  async find(
    accountId: string,
    { namespace, metric, limit = 100, next }: SeriesSearch & { limit?: number; next?: string },
  ): Promise<{ items: MetricSummary[]; next?: string }> {
    const { pk, begins } = seriesKeys({ accountId, namespace, metric });
    const page = await this.#store.query(pk, { begins, limit, after: next });
    const items = (page.items as SeriesItem[]).filter(
      (each) => metric === undefined || each.metric === metric,
    );
    return { items: items.map(summary), ...(page.next !== undefined && { next: page.next }) };
  }
}

function summary({ namespace, metric, dimensions, last, updated }: SeriesItem): MetricSummary {
  const facts = { metric, dimensions, value: last?.value, updated };
  return namespace === undefined ? facts : { namespace, ...facts };
}
