import type { MetricSketch } from './metric-sketch.ts';

/** Metrics of devices (Ioto contract §7, `metric/set` and `metric/get`): what both ends take for one. */

/** What a question for a metric may ask of the samples of a period; beside these any percentile, such as `p99.9`. */
export const METRIC_STATISTICS = [
  ...(['avg', 'sum', 'min', 'max', 'count', 'current'] as const),
  ...(['p50', 'p90', 'p95', 'p99'] as const),
] as const;
export type MetricStatistic = (typeof METRIC_STATISTICS)[number] | `p${number}`;

/** Of a statistic that is a percentile. */
export const PERCENTILE = /^p(?:\d{1,2}(?:\.\d{1,2})?|100)$/;

export function isMetricStatistic(text: unknown): text is MetricStatistic {
  if (typeof text !== 'string') return false;
  return METRIC_STATISTICS.some((known) => known === text) || PERCENTILE.test(text);
}

/** The share of the samples that a percentile is of, 0 to 1; undefined for another statistic. */
export function shareOfPercentile(statistic: string): number | undefined {
  return PERCENTILE.test(statistic) ? Number(statistic.slice(1)) / 100 : undefined;
}

/** Names and values that tell series of one metric apart; `{}` is the series without any. */
export type MetricDimensions = Readonly<Record<string, string>>;

/** In a dimension it stands for the ID of the device that speaks; literal on the wire, replaced in the cloud. */
export const OWN_DEVICE = '${deviceId}';

/** The dimension that names a device. Nobody but that device writes it, or reads it by `metric/get`. */
export const DEVICE_DIMENSION = 'Device';

/** Seconds of the longest period that a metric is kept for: a year. */
export const LONGEST_METRIC_PERIOD = 365 * 86_400;

/** Characters of a name, of a dimension's name and of its value, dimensions of one series, and series that one set writes. */
export const METRIC_LIMITS = {
  name: 128,
  dimensionName: 64,
  dimensionValue: 256,
  dimensions: 8,
  series: 8,
} as const;

/** What is wrong with the name of a metric; undefined for a good one. */
export function problemOfMetricName(name: unknown): string | undefined {
  return problemOfText(name, 'the name of a metric', METRIC_LIMITS.name);
}

/** What is wrong with the dimensions of one series; undefined for good ones. */
export function problemOfDimensions(dimensions: unknown): string | undefined {
  if (typeof dimensions !== 'object' || dimensions === null || Array.isArray(dimensions)) {
    return 'the dimensions of a metric are an object of names and values, {} for none';
  }
  const entries = Object.entries(dimensions);
  if (entries.length > METRIC_LIMITS.dimensions) {
    return `a metric has at most ${METRIC_LIMITS.dimensions} dimensions, not ${entries.length}`;
  }
  for (const [name, value] of entries) {
    const problem =
      problemOfText(name, 'the name of a dimension', METRIC_LIMITS.dimensionName) ??
      problemOfText(value, `the dimension ${name}`, METRIC_LIMITS.dimensionValue);
    if (problem) return problem;
  }
  return undefined;
}

/** Text that is the same for the same dimensions, in whatever order they were given. */
export function canonicalDimensions(dimensions: MetricDimensions): string {
  const entries = Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return JSON.stringify(entries);
}

/** Samples of one series that the device has put together: ours, beside the contract's `value`. */
export interface MetricLot {
  /** The device's own number for it: the cloud takes each in once. */
  n: number;
  /** Seconds ago that the samples were taken. */
  age?: number;
  count?: number;
  sum?: number;
  min?: number;
  max?: number;
  /** The latest sample. */
  last?: number;
  /** How they are distributed; without it percentiles of the time are not known. */
  sketch?: MetricSketch;
}

function problemOfText(text: unknown, what: string, longest: number): string | undefined {
  if (typeof text !== 'string' || text === '') return `${what} is text, and not empty`;
  if (text.length > longest) return `${what} has at most ${longest} characters, not ${text.length}`;
  if (/[\p{Cc}\p{Cs}]/u.test(text)) return `${what} has characters that cannot be printed`;
  return undefined;
}
