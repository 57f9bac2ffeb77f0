import { setImmediate as turn } from 'node:timers/promises';
import type { MetricDimensions, MetricStatistic } from '@ioto/protocol';
import { namespaceOf } from '../device-metrics/namespace.ts';
import type { SeriesItem } from '../device-metrics/series-records.ts';
import { statisticOf } from '../device-metrics/spans.ts';
import { cloudWatchError } from './errors.ts';
import { unitIn } from './metric-data.ts';
import {
  dimensionsIn,
  type Input,
  LIMITS,
  listIn,
  metricNameIn,
  namespaceIn,
  periodIn,
  requiredText,
  timeIn,
} from './parameters.ts';
import { anyStatistic, periodsOf } from './statistics.ts';

/** One series of a GetMetricData; `period` in milliseconds. */
export interface DataQuery {
  id: string;
  label: string;
  namespace: string | undefined;
  metric: string;
  dimensions: MetricDimensions;
  period: number;
  statistic: MetricStatistic;
  unit: string | undefined;
}

export interface DataQuestion {
  /** Milliseconds since the epoch. */
  from: number;
  to: number;
  queries: DataQuery[];
  isAscending: boolean;
  most: number;
  /** Values that the pages before have had. */
  skip: number;
}

/** @throws MissingRequiredParameterException, InvalidParameterValueException, ValidationException, InvalidNextToken */
export function readDataQuestion(input: Input): DataQuestion {
  const [from, to] = [timeIn(input.StartTime, 'StartTime'), timeIn(input.EndTime, 'EndTime')];
  if (from >= to) throw wrong('The parameter StartTime must be less than the parameter EndTime.');
  const given = listIn(input.MetricDataQueries, 'MetricDataQueries', LIMITS.queries);
  if (given.length === 0) throw wrong('MetricDataQueries must not be empty.');
  const ids = new Set<unknown>();
  const queries = given.map((query, index) => {
    if (ids.has(query.Id)) throw wrong(`The values for parameter id in MetricDataQueries are not unique.`);
    ids.add(query.Id);
    return readQuery(query, `MetricDataQueries.member.${index + 1}.`);
  });
  const { ScanBy = 'TimestampDescending', MaxDatapoints, NextToken } = input;
  if (ScanBy !== 'TimestampDescending' && ScanBy !== 'TimestampAscending') {
    throw wrong('ScanBy must be TimestampDescending or TimestampAscending.');
  }
  const most = MaxDatapoints ?? LIMITS.dataDatapoints;
  if (!Number.isInteger(most) || (most as number) < 1 || (most as number) > LIMITS.dataDatapoints) {
    throw wrong(`MaxDatapoints must be from 1 to ${LIMITS.dataDatapoints}.`);
  }
  const returned = queries.filter((_query, index) => given[index]?.ReturnData !== false);
  const isAscending = ScanBy === 'TimestampAscending';
  return { from, to, queries: returned, isAscending, most: most as number, skip: skipOf(NextToken) };
}

function readQuery(query: Input, where: string): DataQuery {
  const id = requiredText(query.Id, `${where}Id`);
  if (!/^[a-z]\w*$/.test(id)) throw wrong(`The value ${id} of ${where}Id must match ^[a-z][a-zA-Z0-9_]*$.`);
  if (typeof query.Expression === 'string') {
    throw wrong(`Metric math and queries (${where}Expression) are not served here: ask for MetricStat.`);
  }
  if (typeof query.MetricStat !== 'object' || query.MetricStat === null) {
    throw wrong(`${where}MetricStat must be specified.`);
  }
  const stat = query.MetricStat as Input;
  const metric = (stat.Metric ?? {}) as Input;
  const name = metricNameIn(metric, `${where}MetricStat.Metric.`);
  return {
    id,
    label: typeof query.Label === 'string' ? query.Label : name,
    namespace: namespaceOf(namespaceIn(metric)),
    metric: name,
    dimensions: dimensionsIn(metric, `${where}MetricStat.Metric.`),
    period: periodIn(stat.Period, `${where}MetricStat.Period`),
    statistic: anyStatistic(stat.Stat, `${where}MetricStat.Stat`),
    unit: unitIn(stat.Unit, `${where}MetricStat.Unit`),
  };
}

/** Series that are looked at before others have their turn: some milliseconds. */
const AT_A_TIME = 25;

/** The page of the answer, of what `read` finds for each query. Others have their turn meanwhile. */
export async function dataAnswer(
  question: DataQuestion,
  read: (query: DataQuery) => Promise<SeriesItem | undefined>,
  now: number,
): Promise<object> {
  const { queries, skip, most } = question;
  const results: object[] = [];
  let passed = 0;
  for (const [index, query] of queries.entries()) {
    if (index % AT_A_TIME === AT_A_TIME - 1) await turn();
    const all = valuesOf(query, await read(query), question, now);
    const [begin, end] = [Math.max(0, skip - passed), Math.max(0, skip + most - passed)];
    const page = all.slice(begin, end);
    passed += all.length;
    if (page.length === 0 && (all.length > 0 || skip > 0)) continue;
    results.push({
      ...{ Id: query.id, Label: query.label },
      Timestamps: page.map(({ at }) => at / 1000),
      Values: page.map(({ value }) => value),
      StatusCode: all.length > end ? 'PartialData' : 'Complete',
    });
  }
  const more = passed > skip + most;
  return { MetricDataResults: results, Messages: [], ...(more && { NextToken: tokenOf(skip + most) }) };
}

function valuesOf(
  { period, statistic, unit }: DataQuery,
  series: SeriesItem | undefined,
  { from, to, isAscending }: DataQuestion,
  now: number,
): { at: number; value: number }[] {
  if (unit !== undefined && unit !== (series?.unit ?? 'None')) return [];
  const values = periodsOf(series, { from, to, period, now }).flatMap((point) => {
    const value = statisticOf(point, statistic);
    return value === undefined ? [] : [{ at: point.at, value }];
  });
  return isAscending ? values : values.reverse();
}

const tokenOf = (skip: number): string => Buffer.from(`data ${skip}`).toString('base64url');

function skipOf(token: unknown): number {
  if (token === undefined || token === null) return 0;
  const [, skip] = /^data (\d{1,9})$/.exec(Buffer.from(String(token), 'base64url').toString()) ?? [];
  if (skip !== undefined) return Number(skip);
  throw cloudWatchError('InvalidNextToken', 'The token of NextToken is invalid.');
}

function wrong(message: string): Error {
  return cloudWatchError('ValidationException', message);
}
