import type { MetricStatistic } from '@ioto/protocol';
import type { SeriesItem } from '../device-metrics/series-records.ts';
import { type Point, statisticOf } from '../device-metrics/spans.ts';
import { cloudWatchError, invalid } from './errors.ts';
import { unitIn } from './metric-data.ts';
import { type Input, LIMITS, periodIn, timeIn } from './parameters.ts';
import { percentileStatistic, periodsOf, simpleStatistic } from './statistics.ts';

/** What a GetMetricStatistics asks of one series; times in milliseconds. */
export interface StatisticsQuestion {
  from: number;
  to: number;
  period: number;
  /** By the names that the answer has them under. */
  statistics: ReadonlyMap<string, MetricStatistic>;
  percentiles: readonly MetricStatistic[];
  unit: string | undefined;
}

/** @throws MissingRequiredParameterException, InvalidParameterValueException, InvalidParameterCombinationException */
export function readStatisticsQuestion(input: Input): StatisticsQuestion {
  const [from, to] = [timeIn(input.StartTime, 'StartTime'), timeIn(input.EndTime, 'EndTime')];
  if (from >= to) throw invalid('The parameter StartTime must be less than the parameter EndTime.');
  const period = periodIn(input.Period);
  const points = Math.ceil((to - from) / period);
  if (points > LIMITS.datapoints) {
    throw cloudWatchError(
      'InvalidParameterCombinationException',
      `You have requested up to ${points} datapoints, which exceeds the limit of ${LIMITS.datapoints}. You may reduce the datapoints requested by increasing Period, or decreasing the time range.`,
    );
  }
  const names = listOf(input.Statistics, 'Statistics', 5);
  const statistics = new Map(
    names.map((name, index) => [String(name), simpleStatistic(name, `Statistics.member.${index + 1}`)]),
  );
  const percentiles = listOf(input.ExtendedStatistics, 'ExtendedStatistics', 10).map((name, index) =>
    percentileStatistic(name, `ExtendedStatistics.member.${index + 1}`),
  );
  if (statistics.size + percentiles.length === 0) {
    throw cloudWatchError(
      'InvalidParameterCombinationException',
      'At least one of the parameters Statistics and ExtendedStatistics must be specified.',
    );
  }
  return { from, to, period, statistics, percentiles, unit: unitIn(input.Unit, 'Unit') };
}

/** `Datapoints` of the answer, the oldest first: none for another unit than the metric has. */
export function datapointsOf(
  series: SeriesItem | undefined,
  question: StatisticsQuestion,
  now: number,
): object[] {
  const unit = series?.unit ?? 'None';
  if (question.unit !== undefined && question.unit !== unit) return [];
  return periodsOf(series, { ...question, now }).flatMap((point) => {
    const values = valuesOf(point, question);
    return values ? [{ Timestamp: point.at / 1000, ...values, Unit: unit }] : [];
  });
}

/** Undefined when none of what is asked is known of it. */
function valuesOf(point: Point, { statistics, percentiles }: StatisticsQuestion): object | undefined {
  const simple = [...statistics].map(([name, statistic]) => [name, statisticOf(point, statistic)]);
  const extended = percentiles
    .map((name) => [name, statisticOf(point, name)] as const)
    .filter(([, value]) => value !== undefined);
  if (simple.length + extended.length === 0) return undefined;
  return {
    ...Object.fromEntries(simple),
    ...(extended.length > 0 && { ExtendedStatistics: Object.fromEntries(extended) }),
  };
}

function listOf(value: unknown, name: string, most: number): unknown[] {
  const list = value ?? [];
  if (Array.isArray(list) && list.length <= most) return list;
  throw invalid(`The collection ${name} must be a list of at most ${most}.`);
}
