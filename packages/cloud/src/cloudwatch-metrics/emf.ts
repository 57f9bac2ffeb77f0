import { type MetricDimensions, sketchOfAll } from '@ioto/protocol';
import type { MetricSet } from '../device-metrics/metric-message.ts';
import { namespaceOf } from '../device-metrics/namespace.ts';
import type { Samples } from '../device-metrics/spans.ts';
import { unitIn } from './metric-data.ts';
import { type Input, LIMITS, listIn, numberIn, ownNamespaceIn, requiredText } from './parameters.ts';

/** What CloudWatch takes of one line. */
const MOST = { directives: 100, metrics: 100, sets: 30, values: 100, series: 1000 } as const;

/** The samples of each metric of a line, made once however many directives name it. */
type SamplesByName = Map<string, Samples>;

/**
 * The metrics of a log line in CloudWatch's embedded metric format: JSON with
 * `_aws: { Timestamp, CloudWatchMetrics: [{ Namespace, Dimensions: [[NAME, …], …], Metrics: [{ Name, Unit? }] }] }`, and the
 * values of metrics and dimensions beside it. Pure. None for another line, and of a part that cannot be read; nothing of it
 * is an error: the line is kept as a line. They are made one after the other, and end where a line has enough of them.
 *
 * @param now Milliseconds since the epoch.
 */
export function* metricsOfLine(message: string, now: number): Generator<MetricSet> {
  const line = lineOf(message);
  const meta = (line?._aws ?? {}) as Input;
  const { Timestamp: time, CloudWatchMetrics: directives } = meta;
  const isTimely = typeof time === 'number' && time >= now - LIMITS.past && time <= now + LIMITS.future;
  if (!line || !isTimely || !Array.isArray(directives)) return;
  const known: SamplesByName = new Map();
  let series = 0;
  for (const directive of directives.slice(0, MOST.directives)) {
    for (const set of setsOf(line, (directive ?? {}) as Input, time, known)) {
      series += set.dimensions.length;
      if (series > MOST.series) return;
      yield set;
    }
  }
}

function lineOf(message: string): Input | undefined {
  if (!isInFormat(message)) return undefined;
  try {
    return JSON.parse(message);
  } catch {
    return undefined;
  }
}

/** Whether it may be one: most lines are not parsed to find out. */
export function isInFormat(message: string): boolean {
  return /^\s*\{/.test(message) && message.includes('"_aws"');
}

function* setsOf(line: Input, directive: Input, at: number, known: SamplesByName): Generator<MetricSet> {
  const [head] = readable(() => {
    const dimensions = dimensionSets(line, directive.Dimensions);
    const metrics = listIn(directive.Metrics, 'Metrics', MOST.metrics);
    return [{ namespace: namespaceOf(ownNamespaceIn(directive)), dimensions, metrics }];
  });
  if (!head || head.dimensions.length === 0) return;
  const { namespace, dimensions, metrics } = head;
  for (const metric of metrics) {
    yield* readable(() => {
      const name = requiredText(metric.Name, 'Name');
      const unit = unitIn(metric.Unit, 'Unit');
      const samples = known.get(name) ?? samplesOf(line[name], at);
      known.set(name, samples);
      return [
        {
          ...(namespace !== undefined && { namespace }),
          ...{ metric: name, dimensions, samples },
          ...(unit !== undefined && { unit }),
        },
      ];
    });
  }
}

/** A series for each set of names, by the values that the line has for them; a set that lacks one is left out. */
function dimensionSets(line: Input, sets: unknown): MetricDimensions[] {
  // Without any there is one series, as CloudWatch has it.
  const list = Array.isArray(sets) && sets.length > 0 ? sets.slice(0, MOST.sets) : [[]];
  return list.flatMap((names: unknown) =>
    readable(() => {
      if (!Array.isArray(names) || names.length > LIMITS.dimensions) return [];
      const pairs = names.map((each: unknown) => {
        const name = requiredText(each, 'Dimensions');
        const value = Object.hasOwn(line, name) ? line[name] : undefined;
        return [
          name,
          requiredText(typeof value === 'number' ? String(value) : value, name, LIMITS.dimensionValue),
        ];
      });
      return [Object.fromEntries(pairs) as MetricDimensions];
    }),
  );
}

function samplesOf(value: unknown, at: number): Samples {
  const given: unknown[] = Array.isArray(value) ? value.slice(0, MOST.values) : [value];
  const values = given.map((each) => numberIn(each, 'value'));
  return {
    ...{ at, count: values.length, sum: values.reduce((all, each) => all + each, 0) },
    ...{
      min: Math.min(...values),
      max: Math.max(...values),
      last: values.at(-1) ?? numberIn(undefined, 'value'),
    },
    sketch: sketchOfAll(values.map((each) => ({ value: each, count: 1 }))),
  };
}

/** None instead of an error. */
function readable<T>(read: () => T[]): T[] {
  try {
    return read();
  } catch {
    return [];
  }
}
