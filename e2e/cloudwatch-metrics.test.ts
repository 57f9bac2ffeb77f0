import { Agent } from 'node:https';
import {
  CloudWatchClient,
  type CloudWatchClientConfig,
  GetMetricDataCommand,
  GetMetricStatisticsCommand,
  InvalidNextToken,
  InvalidParameterCombinationException,
  InvalidParameterValueException,
  ListMetricsCommand,
  MissingRequiredParameterException,
  PutMetricDataCommand,
  paginateGetMetricData,
  paginateListMetrics,
  ValidationException,
} from '@aws-sdk/client-cloudwatch';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { until } from '@ioto/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { World } from './world.ts';

interface Keys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  region: string;
}

const HOUR = 3_600_000;

let world: World;
let keys: Keys;
let cloudWatch: CloudWatchClient;
const clients: CloudWatchClient[] = [];

beforeAll(async () => {
  world = await World.create();
  keys = await toolKeys('user');
  cloudWatch = client(keys);
});
afterAll(async () => {
  for (const each of clients) each.destroy();
  await world?.[Symbol.asyncDispose]();
});

async function toolKeys(role: string): Promise<Keys> {
  const args = ['credentials', '--account', world.owner.accountId, '--role', role];
  return (await world.cloud.json(args)) as unknown as Keys;
}

/** AWS's own client, as it comes but for the endpoint. */
function client(credentials: Keys, more: Partial<CloudWatchClientConfig> = {}): CloudWatchClient {
  const made = new CloudWatchClient({
    ...{ endpoint: world.cloud.origin, region: 'local', credentials },
    requestHandler: { httpsAgent: new Agent({ ca: world.cloud.authority }) },
    ...more,
  });
  clients.push(made);
  return made;
}

const put = (MetricData: object[], by = cloudWatch, Namespace = 'Fleet') =>
  by.send(new PutMetricDataCommand({ Namespace, MetricData: MetricData as never }));
const refusal = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => new Error('it was taken'),
    (error: Error) => error,
  );
const lastHour = () => ({ StartTime: new Date(Date.now() - HOUR), EndTime: new Date(Date.now() + 1000) });
const question = (more: object = {}) =>
  new GetMetricStatisticsCommand({
    ...{ Namespace: 'Fleet', MetricName: 'Heat', ...lastHour(), Period: 3600, Statistics: ['Sum'] },
    ...more,
  });
const sum = async (MetricName: string, by = cloudWatch) => {
  const { Datapoints = [] } = await by.send(question({ MetricName }));
  return Datapoints.reduce((all, { Sum = 0 }) => all + Sum, 0);
};

describe("CloudWatch's own client", () => {
  it('puts metrics, also in bodies that it compresses, and reads them in every way', async () => {
    const Dimensions = [{ Name: 'Room', Value: 'hall' }];
    await put([{ MetricName: 'Heat', Value: 21.5, Dimensions, Unit: 'None', Timestamp: new Date() }]);
    // From 10 KB on the client compresses.
    const many = Array.from({ length: 300 }, (_, n) => ({
      ...{ MetricName: 'Load', Values: [n + 1], Counts: [2], Unit: 'Percent' },
      Dimensions: [{ Name: 'Host', Value: `machine-of-the-plant-${n % 3}` }],
    }));
    expect(JSON.stringify(many).length).toBeGreaterThan(20_000);
    await put(many);
    const host = [{ Name: 'Host', Value: 'machine-of-the-plant-0' }];
    const statistics = await cloudWatch.send(
      question({
        ...{ MetricName: 'Load', Dimensions: host },
        ...{ Statistics: ['Average', 'SampleCount', 'Maximum'], ExtendedStatistics: ['p50', 'p99'] },
      }),
    );
    expect(statistics.Label).toBe('Load');
    const [point] = statistics.Datapoints ?? [];
    expect(point).toMatchObject({ Average: 149.5, SampleCount: 200, Maximum: 298, Unit: 'Percent' });
    expect(Math.abs((point?.ExtendedStatistics?.p50 ?? 0) - 149) / 149).toBeLessThan(0.02);
    expect(point?.Timestamp).toBeInstanceOf(Date);

    const metric = { Namespace: 'Fleet', MetricName: 'Load', Dimensions: host };
    const MetricDataQueries = ['p90', 'Sum'].map((Stat, n) => ({
      ...{ Id: `q${n}`, MetricStat: { Metric: metric, Period: 60, Stat } },
    }));
    const values: number[] = [];
    let pages = 0;
    const asked = { ...lastHour(), MetricDataQueries, MaxDatapoints: 1 };
    for await (const page of paginateGetMetricData({ client: cloudWatch }, asked)) {
      pages += 1;
      for (const { Values = [] } of page.MetricDataResults ?? []) values.push(...Values);
    }
    expect([pages, values.length]).toEqual([2, 2]);
    expect(values[1]).toBe(29_900);

    const names: (string | undefined)[] = [];
    for await (const { Metrics = [] } of paginateListMetrics(
      { client: cloudWatch },
      { Namespace: 'Fleet' },
    )) {
      names.push(...Metrics.map(({ MetricName }) => MetricName));
    }
    expect(names.sort()).toEqual(['Heat', 'Load', 'Load', 'Load']);
  });

  it.each([
    [
      () => put([{ MetricName: 'Heat', Value: 1, StatisticValues: stats(1) }]),
      InvalidParameterCombinationException,
    ],
    [() => put([{ MetricName: 'Heat', Value: Number.NaN }]), InvalidParameterValueException],
    [() => put([{ MetricName: 'Heat' }]), MissingRequiredParameterException],
    [() => cloudWatch.send(question({ Period: 7 })), InvalidParameterValueException],
    [() => cloudWatch.send(question({ Statistics: [] })), InvalidParameterCombinationException],
    [() => cloudWatch.send(new ListMetricsCommand({ NextToken: 'x' })), InvalidNextToken],
    [
      () => cloudWatch.send(new GetMetricDataCommand({ ...lastHour(), MetricDataQueries: [] })),
      ValidationException,
    ],
  ])('is told what is wrong as its own exception (%#)', async (asking, exception) => {
    const error = await refusal(asking());
    expect(error).toBeInstanceOf(exception);
    expect(error.message.length).toBeGreaterThan(10);
    // By the name of the older query protocol, which programs look at.
    const { Code } = error as { Code?: string };
    expect(Code).toBe(QUERY_NAMES[error.name] ?? error.name.replace(/Exception$/, ''));
  });

  it('finds the metrics of log lines in the embedded format', async () => {
    const logs = new CloudWatchLogsClient({
      ...{ endpoint: world.cloud.origin, region: 'local', credentials: await toolKeys('admin') },
      requestHandler: { httpsAgent: new Agent({ ca: world.cloud.authority }) },
    });
    const names = { logGroupName: 'app', logStreamName: 'door' };
    await logs.send(new CreateLogGroupCommand(names));
    await logs.send(new CreateLogStreamCommand(names));
    const timestamp = Date.now();
    const directive = { Namespace: 'Fleet', Dimensions: [[]], Metrics: [{ Name: 'Opened', Unit: 'Count' }] };
    const _aws = { Timestamp: timestamp, CloudWatchMetrics: [directive] };
    const messages = [
      JSON.stringify({ _aws, Opened: [1, 2] }),
      'a line',
      JSON.stringify({ _aws, Opened: 4 }),
    ];
    const logEvents = messages.map((message) => ({ timestamp, message }));
    await logs.send(new PutLogEventsCommand({ ...names, logEvents }));
    await until('the metrics of the lines', async () => (await sum('Opened')) === 7);
    logs.destroy();
  });

  it('may write as a user, and read as a viewer', async () => {
    const viewer = client(await toolKeys('viewer'));
    expect((await refusal(put([{ MetricName: 'Heat', Value: 1 }], viewer))).name).toBe('AccessDenied');
    await viewer.send(question());
    const stranger = await world.newOwner('Second owner', 'second@example.com');
    const args = ['credentials', '--account', stranger.accountId, '--role', 'admin'];
    const other = client((await world.cloud.json(args)) as unknown as Keys);
    expect((await other.send(new ListMetricsCommand({}))).Metrics).toEqual([]);
  });
});

describe('a client whose clock is off by an hour', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([HOUR, -HOUR])(
    'by %i ms is told so, and goes by the clock of the cloud from then on',
    async (off) => {
      const MetricName = `Late${off}`;
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + off });
      const hasty = client(keys, { maxAttempts: 1 });
      const error = await refusal(put([{ MetricName, Value: 1 }], hasty));
      expect([error.name, error.message]).toEqual([
        'InvalidSignatureException',
        expect.stringContaining('check the clock'),
      ]);
      await put([{ MetricName, Value: 2 }], hasty);
      // As it comes it tries again by itself.
      await put([{ MetricName, Value: 4 }], client(keys));
      vi.useRealTimers();
      expect(await sum(MetricName)).toBe(6);
    },
  );
});

describe('a client whose credentials are not good', () => {
  it.each([
    ['a session token that was made up', { sessionToken: 'AAAA' }, 'UnrecognizedClientException'],
    ['no session token', { sessionToken: undefined as never }, 'UnrecognizedClientException'],
    ['another secret', { secretAccessKey: 'x'.repeat(40) }, 'InvalidSignatureException'],
    ['another access key', { accessKeyId: `ASIA${'A'.repeat(16)}` }, 'UnrecognizedClientException'],
  ])('is refused for %s', async (_what, wrong, code) => {
    const forged = client({ ...keys, ...wrong }, { maxAttempts: 1 });
    expect((await refusal(put([{ MetricName: 'Heat', Value: 1 }], forged))).name).toBe(code);
    // Not even by who has just been let in with the rest of them.
    await put([{ MetricName: 'Heat', Value: 0 }]);
    expect((await refusal(put([{ MetricName: 'Heat', Value: 1 }], forged))).name).toBe(code);
  });

  it('is refused for another region or service', async () => {
    const elsewhere = client(keys, { region: 'eu-central-1', maxAttempts: 1 });
    expect((await refusal(sum('Heat', elsewhere))).message).toContain('the region local');
  });
});

const QUERY_NAMES: Record<string, string> = {
  MissingRequiredParameterException: 'MissingParameter',
  ValidationException: 'ValidationError',
};
const stats = (value: number) => ({ SampleCount: 1, Sum: value, Minimum: value, Maximum: value });
