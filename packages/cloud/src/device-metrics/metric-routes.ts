import {
  LONGEST_METRIC_PERIOD,
  METRIC_LIMITS,
  METRIC_STATISTICS,
  type MetricDimensions,
  type MetricStatistic,
  OWN_DEVICE,
  PERCENTILE,
  parseTypedClaimId,
  problemOfDimensions,
  problemOfMetricName,
} from '@ioto/protocol';
import { CodedError } from '@ioto/runtime';
import { type Static, Type } from 'typebox';
import { accountOf, type Guards } from '../http/guards.ts';
import type { HttpApp } from '../http/http-app.ts';
import { verbs } from '../http/verbs.ts';
import type { MetricDesk, MetricPoints } from './metric-desk.ts';
import { withDevice } from './metric-message.ts';
import { namespaceOf } from './namespace.ts';

const accountId = Type.Optional(Type.String({ maxLength: 64 }));
const metric = Type.String({
  minLength: 1,
  maxLength: METRIC_LIMITS.name,
  description: 'name of the metric',
});
const text = Type.Optional(Type.String({ maxLength: 256 }));
const deviceId = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 64,
    description: `claim ID, for which ${OWN_DEVICE} in dimensions stands`,
  }),
);
const question = {
  metric,
  dimensions: Type.Optional(
    Type.Object({}, { additionalProperties: true, maxProperties: METRIC_LIMITS.dimensions }),
  ),
  period: Type.Number({
    exclusiveMinimum: 0,
    maximum: LONGEST_METRIC_PERIOD,
    description: 'seconds back from now',
  }),
  statistic: Type.Unsafe<MetricStatistic>(
    Type.Union([
      ...METRIC_STATISTICS.map((each) => Type.Literal(each)),
      Type.String({ pattern: PERCENTILE.source, description: 'a percentile' }),
    ]),
  ),
  accumulate: Type.Optional(Type.Boolean({ description: 'one number for the whole period' })),
  namespace: text,
  cloudId: text,
};
const Question = Type.Object(question);
const Fetch = Type.Object({
  ...{ accountId, deviceId },
  ...Type.Partial(Question).properties,
  items: Type.Optional(Type.Array(Question, { minItems: 1, maxItems: 100 })),
});

/** `POST {api}/metric/{fetch,find}`: what devices measured (Ioto contract §9). `fetch` takes one question, or `items` of them. */
export function metricRoutes(app: HttpApp, { desk, guards }: { desk: MetricDesk; guards: Guards }): void {
  const post = verbs(app, guards);

  const fetch = (account: string, device: string | undefined, asked: Static<typeof Question>) => {
    const dimensions = checked(asked.metric, withDevice({ ...asked.dimensions }, deviceOf(device)));
    const namespace = namespaceOf(asked.namespace);
    return desk.points({ ...asked, namespace, accountId: account, dimensions }, asked);
  };
  post('/metric/fetch', 'viewer', Fetch, async (body, request) => {
    const account = accountOf(request, body.accountId);
    if (!body.items) return fetch(account, body.deviceId, whole(body));
    const items: MetricPoints[] = [];
    for (const each of body.items) items.push(await fetch(account, body.deviceId, each));
    return { items };
  });

  const Find = Type.Object({
    ...{ accountId, metric: Type.Optional(metric), namespace: text },
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    next: Type.Optional(Type.String({ maxLength: 1024 })),
  });
  post('/metric/find', 'viewer', Find, async (body, request) =>
    desk.find(accountOf(request, body.accountId), { ...body, namespace: namespaceOf(body.namespace) }),
  );
}

/** @throws REQUEST_INVALID (400) for half a question. */
function whole({ metric, period, statistic, ...more }: Static<typeof Fetch>): Static<typeof Question> {
  if (metric !== undefined && period !== undefined && statistic !== undefined) {
    return { ...more, metric, period, statistic };
  }
  throw new CodedError('REQUEST_INVALID', 'say metric, period and statistic, or items with these', {
    status: 400,
  });
}

/** Without a device nothing stands for one. */
function deviceOf(device: string | undefined): string {
  return device === undefined ? OWN_DEVICE : parseTypedClaimId(device);
}

/** @throws REQUEST_INVALID (400) */
function checked(name: string, dimensions: unknown): MetricDimensions {
  const problem = problemOfMetricName(name) ?? problemOfDimensions(dimensions);
  if (problem) throw new CodedError('REQUEST_INVALID', problem, { status: 400 });
  return dimensions as MetricDimensions;
}
