import type { Clock } from '@ioto/runtime';
import type { FastifyRequest } from 'fastify';
import type { AwsCaller } from '../aws-http/aws-caller.ts';
import { awsError } from '../aws-http/aws-error.ts';
import type { AwsOperation, InputLimits } from '../aws-http/json-target.ts';
import type { MetricIntake } from '../device-metrics/metric-intake.ts';
import type { MetricSet } from '../device-metrics/metric-message.ts';
import { namespaceOf } from '../device-metrics/namespace.ts';
import { readSeries } from '../device-metrics/series-records.ts';
import type { TokenBuckets } from '../limits/token-bucket.ts';
import type { ItemStore } from '../ports/item-store.ts';
import { cloudWatchError } from './errors.ts';
import { type DataQuery, dataAnswer, readDataQuestion } from './get-metric-data.ts';
import { datapointsOf, readStatisticsQuestion } from './get-metric-statistics.ts';
import { listMetrics } from './list-metrics.ts';
import { readMetricData } from './metric-data.ts';
import { dimensionsIn, type Input, LIMITS, metricNameIn, namespaceIn } from './parameters.ts';
import { requireMetricRight } from './rights.ts';

export interface MetricOperationsOptions {
  intake: Pick<MetricIntake, 'take' | 'waitingOf'>;
  store: ItemStore;
  /** Data put, by account. */
  rate: TokenBuckets;
  clock: Clock;
}

/** A thousand data may have 150 values with as many counts each, and a question 500 queries with 30 dimensions each. */
const PUT_LIMITS: InputLimits = { bytes: LIMITS.bytes, values: 400_000 };
const QUERY_LIMITS: InputLimits = { bytes: LIMITS.bytes, values: 100_000 };

/** Sets of an account that may wait to be stored: some seconds on a slow disk. Devices' own wait with them, unrefused. */
const MOST_WAITING = 5000;

/** What CloudWatch's clients may ask, by name: PutMetricData, GetMetricStatistics, GetMetricData, ListMetrics. */
export function metricOperations(options: MetricOperationsOptions): Record<string, AwsOperation> {
  const { store, clock } = options;
  return {
    PutMetricData: {
      limits: PUT_LIMITS,
      handle: (input, caller, request) => putMetricData(options, input, caller, request),
    },

    GetMetricStatistics: {
      async handle(input, caller) {
        const namespace = namespaceOf(namespaceIn(input));
        const [metric, dimensions] = [metricNameIn(input), dimensionsIn(input)];
        const question = readStatisticsQuestion(input);
        requireMetricRight(caller, 'read', [dimensions]);
        const { accountId } = caller;
        const series = await readSeries(store, { accountId, namespace, metric, dimensions });
        return { Label: metric, Datapoints: datapointsOf(series, question, clock.now()) };
      },
    },

    GetMetricData: {
      limits: QUERY_LIMITS,
      async handle(input, caller) {
        const question = readDataQuestion(input);
        const { queries } = question;
        requireMetricRight(
          caller,
          'read',
          queries.map(({ dimensions }) => dimensions),
        );
        const read = ({ namespace, metric, dimensions }: DataQuery) =>
          readSeries(store, { accountId: caller.accountId, namespace, metric, dimensions });
        return dataAnswer(question, read, clock.now());
      },
    },

    ListMetrics: {
      async handle(input, caller) {
        requireMetricRight(caller, 'list');
        return listMetrics(store, { accountId: caller.accountId, input, now: clock.now() });
      },
    },
  };
}

async function putMetricData(
  { intake, clock, rate }: MetricOperationsOptions,
  input: Input,
  caller: AwsCaller,
  request: FastifyRequest,
): Promise<object> {
  const bytes = request.rawBody?.length ?? 0;
  if (bytes > LIMITS.bytes) {
    const message = `a request may have ${LIMITS.bytes} bytes, compressed or not, and has ${bytes}`;
    throw awsError('RequestEntityTooLargeException', message, { status: 413 });
  }
  const sets = readMetricData(input, clock.now());
  requireMetricRight(
    caller,
    'write',
    sets.flatMap(({ dimensions }) => dimensions),
  );
  const { accountId } = caller;
  if (intake.waitingOf(accountId) + sets.length > MOST_WAITING || rate.take(accountId, sets.length) > 0) {
    throw cloudWatchError('ThrottlingException', 'Rate exceeded');
  }
  const identity = { accountId, deviceId: caller.kind === 'device' ? caller.deviceId : '' };
  const outcomes = await Promise.all(sets.map((set: MetricSet) => intake.take(identity, set)));
  const full = outcomes.filter((outcome) => outcome === 'full').length;
  if (full > 0) {
    const message = `There is no room for more metrics: ${full} of ${sets.length} data were for new ones and were not taken, the others were.`;
    throw cloudWatchError('LimitExceededFault', message);
  }
  return {};
}
