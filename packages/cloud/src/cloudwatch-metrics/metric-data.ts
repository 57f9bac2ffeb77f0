import { type MetricDimensions, sketchOf, sketchOfAll } from '@ioto/protocol';
import type { MetricSet } from '../device-metrics/metric-message.ts';
import { namespaceOf } from '../device-metrics/namespace.ts';
import type { Samples } from '../device-metrics/spans.ts';
import { cloudWatchError, invalid, missing } from './errors.ts';
import {
  dimensionsIn,
  type Input,
  LIMITS,
  listIn,
  metricNameIn,
  numberIn,
  ownNamespaceIn,
  timeIn,
} from './parameters.ts';

/** What units CloudWatch knows. */
const UNITS = new Set([
  ...['Seconds', 'Microseconds', 'Milliseconds', 'Percent', 'Count', 'Count/Second', 'None'],
  ...['Bytes', 'Kilobytes', 'Megabytes', 'Gigabytes', 'Terabytes'].flatMap((unit) => [
    unit,
    `${unit}/Second`,
  ]),
  ...['Bits', 'Kilobits', 'Megabits', 'Gigabits', 'Terabits'].flatMap((unit) => [unit, `${unit}/Second`]),
]);

/**
 * The samples of a PutMetricData. Those of `EntityMetricData` are taken without the entity.
 *
 * @param now Milliseconds since the epoch.
 * @throws MissingRequiredParameterException, InvalidParameterValueException, InvalidParameterCombinationException; then
 * none of it is taken.
 */
export function readMetricData(input: Input, now: number): MetricSet[] {
  const namespace = namespaceOf(ownNamespaceIn(input));
  const plain = listIn(input.MetricData, 'MetricData', LIMITS.data).map((each, index) => ({
    datum: each,
    where: `MetricData.member.${index + 1}.`,
  }));
  const ofEntities = listIn(input.EntityMetricData, 'EntityMetricData', 2).flatMap((entity, index) => {
    const name = `EntityMetricData.member.${index + 1}.MetricData`;
    return listIn(entity.MetricData, name, LIMITS.data).map((datum, at) => ({
      datum,
      where: `${name}.member.${at + 1}.`,
    }));
  });
  const all = [...plain, ...ofEntities];
  if (all.length === 0) throw missing('MetricData');
  if (all.length > LIMITS.data) {
    throw invalid(`The collection MetricData must not have a size greater than ${LIMITS.data}.`);
  }
  return all.map(({ datum, where }) => readDatum(datum, { where, now, namespace }));
}

function readDatum(
  datum: Input,
  { where, now, namespace }: { where: string; now: number; namespace: string | undefined },
): MetricSet {
  const metric = metricNameIn(datum, where);
  const dimensions: MetricDimensions = dimensionsIn(datum, where);
  const unit = unitIn(datum.Unit, `${where}Unit`);
  const { StorageResolution: resolution } = datum;
  if (resolution !== undefined && resolution !== null && resolution !== 1 && resolution !== 60) {
    throw invalid(`The value of the parameter ${where}StorageResolution must be 1 or 60.`);
  }
  const samples = { at: timeOf(datum, { where, now }), ...samplesOf(datum, where) };
  return {
    ...(namespace !== undefined && { namespace }),
    ...{ metric, dimensions: [dimensions], samples },
    ...(unit !== undefined && { unit }),
  };
}

export function unitIn(value: unknown, name: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && UNITS.has(value)) return value;
  throw invalid(`The value of the parameter ${name} is none of ${[...UNITS].join(', ')}.`);
}

function timeOf({ Timestamp }: Input, { where, now }: { where: string; now: number }): number {
  if (Timestamp === undefined || Timestamp === null) return now;
  const time = timeIn(Timestamp, `${where}Timestamp`);
  if (time >= now - LIMITS.past && time <= now + LIMITS.future) return time;
  throw invalid(
    `The parameter ${where}Timestamp must specify a time no more than two hours in the future and no more than two weeks in the past.`,
  );
}

function samplesOf({ Value, Values, Counts, StatisticValues }: Input, where: string): Omit<Samples, 'at'> {
  const given = [Value, Values, StatisticValues].filter((each) => each !== undefined && each !== null);
  if (given.length === 0) throw missing(`${where}Value, ${where}Values or ${where}StatisticValues`);
  if (given.length > 1) {
    throw cloudWatchError(
      'InvalidParameterCombinationException',
      `The parameters ${where}Value, ${where}Values and ${where}StatisticValues are mutually exclusive and you have specified more than one.`,
    );
  }
  if (Values !== undefined && Values !== null) return ofValues(Values, Counts, where);
  if (StatisticValues !== undefined && StatisticValues !== null) return ofStatistics(StatisticValues, where);
  const value = numberIn(Value, `${where}Value`);
  return { count: 1, sum: value, min: value, max: value, last: value, sketch: sketchOf(value) };
}

function ofValues(values: unknown, counts: unknown, where: string): Omit<Samples, 'at'> {
  if (!Array.isArray(values) || values.length === 0 || values.length > LIMITS.values) {
    throw invalid(`The collection ${where}Values must have a size from 1 to ${LIMITS.values}.`);
  }
  const times = counts ?? values.map(() => 1);
  if (!Array.isArray(times) || times.length !== values.length) {
    throw invalid(`The parameters ${where}Values and ${where}Counts must have the same size.`);
  }
  const each = values.map((value, index) => {
    const at = `member.${index + 1}`;
    const count = numberIn(times[index], `${where}Counts.${at}`);
    if (count <= 0)
      throw invalid(`The value of the parameter ${where}Counts.${at} must be greater than zero.`);
    return { value: numberIn(value, `${where}Values.${at}`), count };
  });
  const numbers = each.map(({ value }) => value);
  return {
    count: each.reduce((all, { count }) => all + count, 0),
    sum: each.reduce((all, { value, count }) => all + value * count, 0),
    min: Math.min(...numbers),
    max: Math.max(...numbers),
    last: numbers.at(-1) as number,
    sketch: sketchOfAll(each),
  };
}

/** Percentiles are not known of them, unless all samples are the same. */
function ofStatistics(statistics: unknown, where: string): Omit<Samples, 'at'> {
  const given = (typeof statistics === 'object' ? statistics : {}) as Input;
  const one = (name: string) => {
    const value = given[name];
    if (value === undefined || value === null) throw missing(`${where}StatisticValues.${name}`);
    return numberIn(value, `${where}StatisticValues.${name}`);
  };
  const [count, sum, min, max] = [one('SampleCount'), one('Sum'), one('Minimum'), one('Maximum')];
  if (count <= 0) {
    throw invalid(
      `The value of the parameter ${where}StatisticValues.SampleCount must be greater than zero.`,
    );
  }
  if (min > max) {
    throw invalid(
      `The parameter ${where}StatisticValues.Maximum must not be less than ${where}StatisticValues.Minimum.`,
    );
  }
  const facts = { count, sum, min, max, last: sum / count };
  return min === max ? { ...facts, sketch: sketchOf(min, count) } : facts;
}
