import {
  isMetricStatistic,
  LONGEST_METRIC_PERIOD,
  METRIC_LIMITS,
  METRIC_STATISTICS,
  type MetricDimensions,
  type MetricStatistic,
  problemOfDimensions,
  problemOfMetricName,
} from '@ioto/protocol';
import { CodedError } from '@ioto/runtime';
import type { Ask } from '../services/mqtt/requests.ts';
import type { MetricSender } from './metric-sender.ts';

/**
 * What the device measures, kept by the cloud at decreasing resolution for a year (Ioto contract §7). Needs the service
 * metrics; without a connection samples are kept in memory, put together as coarsely as the cloud would.
 */
export interface Metric {
  /**
   * Resolves with `sent` when the cloud has the sample durably, and with `kept` as soon as it waits on the device: without a
   * connection, while the cloud asked for less, or for up to `elapsed` seconds to go up with those after it. What waits is
   * lost with the power, or beyond 2000 intervals of all series (`lost` counts those).
   *
   * @param dimensions One set a series that the sample is for, `{}` the one without any; `${deviceId}` in a value stands
   * for the device, and the dimension `Device` may name no other.
   * @throws METRIC_INVALID naming what is wrong; SERVICE_OFF without the service metrics.
   */
  set(
    name: string,
    value: number,
    dimensions?: readonly MetricDimensions[],
    options?: { elapsed?: number },
  ): Promise<'sent' | 'kept'>;
  /**
   * A number for the last `period` seconds as the cloud has it; NaN when it has no sample. `current` is the latest sample.
   *
   * @throws METRIC_INVALID; SERVICE_OFF; MQTT_OFFLINE, REQUEST_TIMEOUT and REQUEST_LIMIT, after which it may be tried again.
   */
  get(
    name: string,
    dimensions: MetricDimensions,
    period: number,
    statistic: MetricStatistic,
  ): Promise<number>;
  /** Samples that there was no room for since the agent started. */
  readonly lost: number;
}

/** What metrics go by; asked for at each call, since an agent is made before it has any. */
export interface MetricEnds {
  /** The device's own claim ID. */
  id: string;
  sender: MetricSender;
  ask: Ask;
}

/** Seconds that samples may be held back. */
const LONGEST_ELAPSED = 86_400;

export function openMetric(ends: () => MetricEnds): Metric {
  return {
    async set(name, value, dimensions = [{}], { elapsed = 0 } = {}) {
      check(problemOfMetricName(name) ?? problemOfSet(value, dimensions, elapsed));
      const { id, sender } = ends();
      check(problemOfDevice(dimensions, id));
      return sender.set({ metric: name, dimensions }, value, elapsed * 1000);
    },
    async get(name, dimensions, period, statistic) {
      check(problemOfMetricName(name) ?? problemOfDimensions(dimensions) ?? problemOfGet(period, statistic));
      const answer = await ends().ask('metric/get', { metric: name, dimensions, period, statistic });
      return answer.trim() === '' ? Number.NaN : Number(answer);
    },
    get lost() {
      return ends().sender.lost;
    },
  };
}

/** @throws METRIC_INVALID */
function check(problem: string | undefined): void {
  if (problem !== undefined) throw new CodedError('METRIC_INVALID', problem);
}

function problemOfSet(value: unknown, dimensions: unknown, elapsed: unknown): string | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value)) return 'the value of a metric is a finite number';
  if (!Array.isArray(dimensions) || dimensions.length === 0 || dimensions.length > METRIC_LIMITS.series) {
    return `the dimensions of a metric are a list of 1 to ${METRIC_LIMITS.series} objects, [{}] for none`;
  }
  if (typeof elapsed !== 'number' || !(elapsed >= 0 && elapsed <= LONGEST_ELAPSED)) {
    return `elapsed is a number of seconds from 0 to ${LONGEST_ELAPSED}`;
  }
  return dimensions.map(problemOfDimensions).find((problem) => problem !== undefined);
}

/** The cloud would drop it, and could tell nobody. */
function problemOfDevice(dimensions: readonly MetricDimensions[], id: string): string | undefined {
  const isOther = ({ Device }: MetricDimensions) =>
    Device !== undefined && Device !== id && Device !== '${deviceId}';
  return dimensions.some(isOther) ? 'the dimension Device of a metric may name no other device' : undefined;
}

function problemOfGet(period: unknown, statistic: unknown): string | undefined {
  if (typeof period !== 'number' || !(period > 0 && period <= LONGEST_METRIC_PERIOD)) {
    return `the period of a metric is a number of seconds up to ${LONGEST_METRIC_PERIOD}, a year`;
  }
  return isMetricStatistic(statistic)
    ? undefined
    : `the statistic of a metric is one of ${METRIC_STATISTICS.join(', ')}, or another percentile`;
}
