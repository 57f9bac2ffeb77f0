import {
  LONGEST_METRIC_PERIOD,
  type MetricSketch,
  type MetricStatistic,
  mergeSketches,
  quantile,
  shareOfPercentile,
} from '@ioto/protocol';

/** What was measured in one interval. Whoever needs more than these of the samples adds a field: older points lack it. */
export interface Point {
  /** Begin of the interval, milliseconds since the epoch. */
  at: number;
  count: number;
  sum: number;
  min: number;
  max: number;
  /** How all of its samples are distributed; absent when that is not known of one of them. */
  sketch?: MetricSketch;
}

/** Samples of one series as they come in, put together already or one. */
export interface Samples extends Point {
  /** The latest of them. */
  last: number;
}

/** What is kept of a series: for each span the points that have samples, the oldest first. */
export interface Kept {
  spans: Point[][];
  /** The latest sample, and when it was taken. */
  last?: { value: number; at: number };
}

export interface Span {
  /** Milliseconds that it reaches back. */
  period: number;
  /** Milliseconds of one point. */
  interval: number;
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/**
 * Five minutes, an hour, a day, a week, four weeks and a year, ever coarser: as Ioto's own cloud keeps metrics. A series has
 * some 75 points in all, however often it is set.
 */
export const SPANS: readonly Span[] = [
  span(5 * MINUTE, 10),
  span(60 * MINUTE, 12),
  span(DAY, 12),
  span(7 * DAY, 14),
  span(28 * DAY, 14),
  span(LONGEST_METRIC_PERIOD * 1000, 12),
];

function span(period: number, points: number): Span {
  return { period, interval: period / points };
}

/** `kept` with the samples in, and without what is older than its span. */
export function withSamples(kept: Kept | undefined, samples: Samples, now: number): Kept {
  const { last: value, at } = samples;
  const spans = SPANS.map((each, index) => addTo(each, kept?.spans[index] ?? [], samples, now));
  const last = kept?.last && kept.last.at > at ? kept.last : { value, at };
  return { spans, last };
}

function addTo({ period, interval }: Span, points: readonly Point[], samples: Samples, now: number): Point[] {
  const at = Math.floor(samples.at / interval) * interval;
  const isKept = (point: { at: number }) => point.at + interval > now - period;
  const { count, sum, min, max, sketch } = samples;
  const added: Point = { at, count, sum: bounded(sum), min, max, ...(sketch && { sketch }) };
  const before = points.find((point) => point.at === at);
  const others = points.filter((point) => point.at !== at);
  const merged = before ? together(before, added) : added;
  // A clock that was put back leaves points ahead of the present; they are overtaken in time.
  return [...others, merged].filter(isKept).sort((a, b) => a.at - b.at);
}

/** The samples of both; the time of the first. */
export function together(a: Point, b: Point): Point {
  return {
    at: a.at,
    count: a.count + b.count,
    sum: bounded(a.sum + b.sum),
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
    ...(a.sketch && b.sketch && { sketch: mergeSketches(a.sketch, b.sketch) }),
  };
}

/** Infinity has no JSON. */
function bounded(number: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, number));
}

/** The finest span that reaches back `period` milliseconds. */
export function spanFor(period: number): Span {
  return SPANS.find((each) => each.period >= period) ?? (SPANS.at(-1) as Span);
}

/** The points of the last `period` milliseconds; the first of them may begin a little before. */
export function pointsOf(kept: Kept | undefined, period: number, now: number): Point[] {
  const chosen = spanFor(period);
  const points = kept?.spans[SPANS.indexOf(chosen)] ?? [];
  return points.filter(({ at }) => at + chosen.interval > now - period && at <= now);
}

/** One number of the last `period` milliseconds; undefined when there is no sample that has it. */
export function numberFor(
  kept: Kept | undefined,
  { period, statistic, now }: { period: number; statistic: MetricStatistic; now: number },
): number | undefined {
  if (statistic === 'current') {
    return kept?.last && kept.last.at > now - period ? kept.last.value : undefined;
  }
  const points = pointsOf(kept, period, now);
  const [first, ...others] = points;
  if (!first) return statistic === 'sum' || statistic === 'count' ? 0 : undefined;
  return statisticOf(others.reduce(together, first), statistic);
}

/**
 * Undefined for a percentile of samples whose distribution is not known.
 *
 * @param statistic Of `current` a point knows no more than the average.
 */
export function statisticOf(point: Point, statistic: MetricStatistic): number | undefined {
  const { count, sum, min, max, sketch } = point;
  const share = shareOfPercentile(statistic);
  if (share !== undefined) {
    const value = sketch && quantile(sketch, share);
    return value === undefined ? undefined : Math.max(min, Math.min(max, value));
  }
  if (statistic === 'sum') return sum;
  if (statistic === 'count') return count;
  if (statistic === 'min') return min;
  if (statistic === 'max') return max;
  return sum / count;
}
