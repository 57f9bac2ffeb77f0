import {
  DEVICE_DIMENSION,
  isMetricStatistic,
  LONGEST_METRIC_PERIOD,
  METRIC_LIMITS,
  METRIC_STATISTICS,
  type MetricDimensions,
  type MetricStatistic,
  OWN_DEVICE,
  problemOfDimensions,
  problemOfMetricName,
  readSketch,
  sketchOf,
} from '@ioto/protocol';
import type { Samples } from './spans.ts';

/** A `metric/set` as far as the cloud believes it. */
export interface MetricSet {
  /** Of CloudWatch; absent for what devices set. */
  namespace?: string;
  metric: string;
  /** Of each series that it is for. */
  dimensions: MetricDimensions[];
  samples: Samples;
  /** As CloudWatch has it. */
  unit?: string;
  /** The device's number for it, where it has one. */
  n?: number;
}

/** @param now Milliseconds since the epoch: the device's own clock is asked for ages alone. */
export function readMetricSet(
  message: unknown,
  { deviceId, now }: { deviceId: string; now: number },
): MetricSet | { refused: string } {
  const { metric, value, dimensions = [{}], samples } = (message ?? {}) as Record<string, unknown>;
  const problem = problemOfMetricName(metric);
  if (problem) return { refused: problem };
  const list = (Array.isArray(dimensions) ? dimensions : [dimensions]).slice(0, METRIC_LIMITS.series + 1);
  if (list.length > METRIC_LIMITS.series) {
    return { refused: `dimensions for more than ${METRIC_LIMITS.series} series` };
  }
  const series: MetricDimensions[] = [];
  for (const each of list) {
    const read = readDimensions(each, deviceId);
    if ('refused' in read) return read;
    series.push(read.dimensions);
  }
  const taken = readSamples(value, samples, now);
  if (!taken) return { refused: 'its value is no number' };
  const { n } = (samples ?? {}) as { n?: unknown };
  return {
    ...{ metric: metric as string, dimensions: series, samples: taken },
    ...(typeof n === 'number' && Number.isSafeInteger(n) && { n }),
  };
}

/** A `metric/get` as far as it can be answered. Of several dimensions the first are meant. */
export function readMetricGet(
  message: object,
  deviceId: string,
):
  | { metric: string; dimensions: MetricDimensions; period: number; statistic: MetricStatistic }
  | { refused: string } {
  const { metric, dimensions = {}, period, statistic } = message as Record<string, unknown>;
  const problem = problemOfMetricName(metric);
  if (problem) return { refused: problem };
  const read = readDimensions(Array.isArray(dimensions) ? (dimensions[0] ?? {}) : dimensions, deviceId);
  if ('refused' in read) return read;
  const seconds = numberOf(period);
  if (seconds === undefined || seconds <= 0 || seconds > LONGEST_METRIC_PERIOD) {
    return { refused: `its period is not within ${LONGEST_METRIC_PERIOD} seconds` };
  }
  if (!isMetricStatistic(statistic)) {
    return { refused: `its statistic is none of ${METRIC_STATISTICS.join(', ')}` };
  }
  return { metric: metric as string, dimensions: read.dimensions, period: seconds, statistic };
}

/** What stands for the device is its ID (Ioto contract §10: it is literal on the wire), and numbers are their text. */
function readDimensions(
  given: unknown,
  deviceId: string,
): { dimensions: MetricDimensions } | { refused: string } {
  const isPlain = typeof given === 'object' && given !== null && !Array.isArray(given);
  const dimensions = isPlain ? withDevice(given as Record<string, unknown>, deviceId) : given;
  const problem = problemOfDimensions(dimensions);
  if (problem) return { refused: problem };
  const known = dimensions as MetricDimensions;
  const device = Object.hasOwn(known, DEVICE_DIMENSION) ? known[DEVICE_DIMENSION] : deviceId;
  return device === deviceId
    ? { dimensions: known }
    : { refused: `its dimension ${DEVICE_DIMENSION} names another device` };
}

/** The same with the device's ID where it is stood for. */
export function withDevice(
  dimensions: Readonly<Record<string, unknown>>,
  deviceId: string,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(dimensions).map(([name, value]) => {
      const text = typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
      return [name, typeof text === 'string' ? text.replaceAll(OWN_DEVICE, deviceId) : text];
    }),
  );
}

/** The contract's `value` is one sample; with it a device of ours may say what several were. */
function readSamples(value: unknown, samples: unknown, now: number): Samples | undefined {
  const one = numberOf(value);
  if (one === undefined) return undefined;
  const { age = 0, count = 1, ...more } = (samples ?? {}) as Record<string, unknown>;
  const many = numberOf(count) ?? 1;
  const sum = numberOf(more.sum) ?? one * many;
  const min = Math.min(numberOf(more.min) ?? one, one);
  const max = Math.max(numberOf(more.max) ?? one, one);
  const last = numberOf(more.last) ?? one;
  const ago = Math.max(0, numberOf(age) ?? 0) * 1000;
  const isCount = Number.isSafeInteger(many) && many >= 1;
  const facts = { at: now - ago, count: isCount ? many : 1, sum, min, max, last };
  const sketch = min === max ? sketchOf(min, facts.count) : readSketch(more.sketch, facts.count);
  return sketch ? { ...facts, sketch } : facts;
}

/** Also of text. Agents in the field print the number zero as `e+00`, in text as well as bare (Ioto contract §10). */
function numberOf(value: unknown): number | undefined {
  if (typeof value === 'string') {
    const text = value.trim();
    if (/^-?e[+-]?0+$/.test(text)) return 0;
    return text === '' ? undefined : numberOf(Number(text));
  }
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
