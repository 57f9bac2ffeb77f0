import { silentLogger } from '@ioto/runtime';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import type { FastifyRequest } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AwsCaller } from '../aws-http/aws-caller.ts';
import { MetricIntake } from '../device-metrics/metric-intake.ts';
import { MOST_OF_DEVICE } from '../device-metrics/series-limits.ts';
import { Complaints } from '../limits/complaints.ts';
import { TokenBuckets } from '../limits/token-bucket.ts';
import { tempStore } from '../platform/embedded/temp-store.fixture.ts';
import type { ToolRole } from '../ports/credential-issuer.ts';
import { everyRight } from '../ports/every-right.fixture.ts';
import { dataAnswer, readDataQuestion } from './get-metric-data.ts';
import { metricOperations } from './operations.ts';

const tool = (role: ToolRole = 'user', accountId = 'A1'): AwsCaller => ({
  ...{ kind: 'tool', accountId, role, sponsor: { by: 'admin' } },
  ...{ sessionId: 't', expires: Number.POSITIVE_INFINITY, rights: everyRight },
});
const device = (deviceId = 'D1'): AwsCaller => ({
  ...{ kind: 'device', deviceId, accountId: 'A1', generation: 1, dialect: 'current', rights: everyRight },
});

let close: () => PromiseLike<void>;
let clock: VirtualClock;
let intake: MetricIntake;
let call: (name: string, input: object, caller?: AwsCaller, bytes?: number) => Promise<Answer>;
// biome-ignore lint/suspicious/noExplicitAny: what AWS answers is looked at field by field
type Answer = any;

beforeEach(async () => {
  const temp = await tempStore();
  close = () => temp[Symbol.asyncDispose]();
  clock = new VirtualClock(Date.UTC(2026, 0, 1, 12));
  const complaints = new Complaints({ clock, logger: silentLogger });
  intake = new MetricIntake({ store: temp.store, clock, complaints, logger: silentLogger });
  const rate = new TokenBuckets({ clock, rule: { burst: 2000, period: 2000 } });
  const operations = metricOperations({ intake, store: temp.store, clock, rate });
  call = async (name, input, caller = tool(), bytes = 100) =>
    operations[name]?.handle(
      input as never,
      caller,
      { rawBody: Buffer.alloc(bytes) } as FastifyRequest,
      async () => undefined,
    );
});
afterEach(() => close());

const put = (datum: object, caller?: AwsCaller) =>
  call('PutMetricData', { Namespace: 'Fleet', MetricData: [{ MetricName: 'Heat', ...datum }] }, caller);
const seconds = (ago = 0) => clock.now() / 1000 - ago;
const question = (more: object = {}) => ({
  ...{ Namespace: 'Fleet', MetricName: 'Heat', StartTime: seconds(3600), EndTime: seconds(-1) },
  ...{ Period: 3600, Statistics: ['Average', 'Sum', 'Minimum', 'Maximum', 'SampleCount'], ...more },
});
const statistics = async (more: object = {}, caller?: AwsCaller) =>
  (await call('GetMetricStatistics', question(more), caller)).Datapoints;
const query = (id: string, more: object = {}) => ({
  Id: id,
  MetricStat: { Metric: { Namespace: 'Fleet', MetricName: 'Heat' }, Period: 60, Stat: 'Sum', ...more },
});
const refused = (code: string, message: RegExp | string = '') =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => 'taken',
    (error: unknown) => error,
  );

describe('PutMetricData', () => {
  it('takes single values, values with counts, and statistics, and GetMetricStatistics has them together', async () => {
    await put({ Value: 1, Unit: 'Percent' });
    await put({ Values: [2, 3], Counts: [1, 4] });
    await put({ Values: [7] });
    await put({ StatisticValues: { SampleCount: 2, Sum: 20, Minimum: 9, Maximum: 11 } });
    expect(await statistics()).toEqual([
      {
        Timestamp: seconds(),
        ...{ SampleCount: 9, Sum: 42, Minimum: 1, Maximum: 11, Average: 42 / 9, Unit: 'Percent' },
      },
    ]);
    expect(await statistics({ Unit: 'Count' })).toEqual([]);
    expect(await statistics({ MetricName: 'Other' })).toEqual([]);
    expect(await statistics({}, tool('viewer', 'A2'))).toEqual([]);
  });

  it('keeps series apart by namespace and dimensions', async () => {
    const room = [{ Name: 'Room', Value: 'hall' }];
    await put({ Value: 1 });
    await put({ Value: 2, Dimensions: room });
    await call('PutMetricData', { Namespace: 'Other', MetricData: [{ MetricName: 'Heat', Value: 4 }] });
    const sums = [];
    for (const more of [{}, { Dimensions: room }, { Namespace: 'Other' }, { Namespace: 'Fleet2' }]) {
      sums.push((await statistics(more)).map(({ Sum }: { Sum: number }) => Sum));
    }
    expect(sums).toEqual([[1], [2], [4], []]);
  });

  it('takes samples at the times that they say', async () => {
    for (const ago of [60, 7 * 60, 50 * 60]) await put({ Value: ago, Timestamp: seconds(ago) });
    const points = await statistics({ Period: 60, Statistics: ['Sum'] });
    expect(points.map(({ Timestamp, Sum }: Answer) => [seconds() - Timestamp, Sum])).toEqual([
      [3000, 3000],
      // Of what is older than five minutes there are points of five minutes.
      [600, 420],
      [60, 60],
    ]);
  });

  it('knows percentiles, unless only statistics were said', async () => {
    await put({ Values: Array.from({ length: 100 }, (_, index) => index + 1) });
    const [point] = await statistics({ Statistics: [], ExtendedStatistics: ['p50', 'p99.9'] });
    expect(Math.abs(point.ExtendedStatistics.p50 - 50)).toBeLessThan(1);
    expect(Math.abs(point.ExtendedStatistics['p99.9'] - 99)).toBeLessThan(1);
    await put({ StatisticValues: { SampleCount: 2, Sum: 20, Minimum: 9, Maximum: 11 } });
    expect(await statistics({ Statistics: [], ExtendedStatistics: ['p50'] })).toEqual([]);
  });

  it.each([
    [{}, 'MissingRequiredParameterException', 'Value'],
    [{ Value: 1, Values: [1] }, 'InvalidParameterCombinationException', 'exclusive'],
    [{ Value: 'NaN' }, 'InvalidParameterValueException', 'Value must be a number'],
    [{ Value: 1e300 }, 'InvalidParameterValueException', '2\\^360'],
    [{ Values: [1, 2], Counts: [1] }, 'InvalidParameterValueException', 'same size'],
    [{ Values: [1], Counts: [0] }, 'InvalidParameterValueException', 'greater than zero'],
    [{ Values: Array(151).fill(1) }, 'InvalidParameterValueException', '150'],
    [
      { StatisticValues: { SampleCount: 1, Sum: 1, Minimum: 2, Maximum: 1 } },
      'InvalidParameterValueException',
      'less than',
    ],
    [{ StatisticValues: { Sum: 1 } }, 'MissingRequiredParameterException', 'SampleCount'],
    [{ Value: 1, Unit: 'Furlongs' }, 'InvalidParameterValueException', 'Unit'],
    [{ Value: 1, StorageResolution: 7 }, 'InvalidParameterValueException', 'StorageResolution'],
    [{ Value: 1, Timestamp: 0 }, 'InvalidParameterValueException', 'two weeks'],
    [{ Value: 1, Timestamp: 'now' }, 'InvalidParameterValueException', 'seconds since'],
    [{ Value: 1, MetricName: '' }, 'MissingRequiredParameterException', 'MetricName'],
    [{ Value: 1, MetricName: 'x'.repeat(256) }, 'InvalidParameterValueException', '255'],
    [{ Value: 1, MetricName: 'a\u0000' }, 'InvalidParameterValueException', 'ASCII'],
    [{ Value: 1, Dimensions: [{ Name: 'Room' }] }, 'MissingRequiredParameterException', 'Value'],
    [{ Value: 1, Dimensions: [{ Name: ':x', Value: 'y' }] }, 'InvalidParameterValueException', 'colon'],
    [
      { Value: 1, Dimensions: Array.from({ length: 31 }, (_, n) => ({ Name: `n${n}`, Value: 'v' })) },
      'InvalidParameterValueException',
      '30',
    ],
    [{ Value: 1, Dimensions: 'Room' }, 'InvalidParameterValueException', 'list'],
    [
      {
        Value: 1,
        Dimensions: [
          { Name: 'Room', Value: 'a' },
          { Name: 'Room', Value: 'b' },
        ],
      },
      'InvalidParameterValueException',
      'more than once',
    ],
  ])('refuses %j', async (datum, code, message) => {
    expect(await failure(put(datum))).toEqual(refused(code, message));
  });

  it.each([
    [{}, 'MissingRequiredParameterException', 'Namespace'],
    [{ Namespace: 'a|b' }, 'InvalidParameterValueException', 'Namespace'],
    [{ Namespace: 'AWS/EC2' }, 'InvalidParameterValueException', 'AWS/'],
    [{ Namespace: 'Fleet' }, 'MissingRequiredParameterException', 'MetricData'],
    [{ Namespace: 'Fleet', MetricData: Array(1001).fill({}) }, 'InvalidParameterValueException', '1000'],
  ])('refuses %j', async (input, code, message) => {
    expect(await failure(call('PutMetricData', input))).toEqual(refused(code, message));
  });

  it('takes none of a request of which one is wrong, nor of one that is too large', async () => {
    const MetricData = [{ MetricName: 'Heat', Value: 1 }, { MetricName: 'Heat' }];
    expect(await failure(call('PutMetricData', { Namespace: 'Fleet', MetricData }))).toEqual(
      refused('MissingRequiredParameterException', 'MetricData.member.2'),
    );
    const large = call('PutMetricData', { Namespace: 'Fleet', MetricData }, tool(), 1024 * 1024 + 1);
    expect(await failure(large)).toMatchObject({ code: 'RequestEntityTooLargeException', status: 413 });
    expect(await statistics()).toEqual([]);
  });

  it('is for users, and for devices about themselves', async () => {
    expect(await failure(put({ Value: 1 }, tool('viewer')))).toEqual(refused('AccessDeniedException'));
    const of = (id: string) => ({ Value: 1, Dimensions: [{ Name: 'Device', Value: id }] });
    expect(await put(of('D1'), device())).toEqual({});
    expect(await failure(put(of('D2'), device()))).toEqual(
      refused('AccessDeniedException', 'another device'),
    );
    const asked = { Dimensions: [{ Name: 'Device', Value: 'D1' }] };
    expect(await statistics(asked, device())).toHaveLength(1);
    expect(await failure(statistics(asked, device('D2')))).toEqual(refused('AccessDeniedException'));
    expect(await failure(call('ListMetrics', {}, device()))).toEqual(refused('AccessDeniedException'));
  });

  it('says so when there is no room for one more series of a device, and has taken the others', async () => {
    const MetricData = Array.from({ length: MOST_OF_DEVICE + 1 }, (_, n) => ({
      MetricName: `m${n}`,
      Value: 1,
    }));
    expect(await failure(call('PutMetricData', { Namespace: 'Fleet', MetricData }, device()))).toEqual(
      refused('LimitExceededFault', '1 of 201'),
    );
    expect(await statistics({ MetricName: 'm0' })).toHaveLength(1);
    expect(await call('PutMetricData', { Namespace: 'Fleet', MetricData })).toEqual({});
  });
});

describe('an account that puts too much', () => {
  const data = (count: number) => ({
    Namespace: 'Fleet',
    MetricData: Array.from({ length: count }, (_, n) => ({ MetricName: `m${n % 10}`, Value: 1 })),
  });

  it('is slowed down, and only that one', async () => {
    for (let n = 0; n < 2; n += 1) await call('PutMetricData', data(1000));
    expect(await failure(call('PutMetricData', data(1)))).toEqual(refused('ThrottlingException'));
    expect(await call('PutMetricData', data(1), tool('user', 'A2'))).toEqual({});
    await clock.advance(1);
    expect(await call('PutMetricData', data(1))).toEqual({});
  });

  it('is refused what would wait too long', async () => {
    const waits = { take: intake.take.bind(intake), waitingOf: () => 4500 };
    const rate = new TokenBuckets({ clock, rule: { burst: 2000, period: 2000 } });
    const { PutMetricData } = metricOperations({ intake: waits, store: {} as never, clock, rate });
    const request = { rawBody: Buffer.alloc(100) } as FastifyRequest;
    const objection = async () => undefined;
    const ask = (count: number) =>
      PutMetricData?.handle(data(count), tool(), request, objection) as Promise<object>;
    expect(await failure(ask(501))).toEqual(refused('ThrottlingException'));
    expect(await ask(500)).toEqual({});
  });

  it('keeps the devices of nobody else waiting', async () => {
    const order: string[] = [];
    const flood = Array.from({ length: 1000 }, async (_, n) => {
      const samples = { at: clock.now(), count: 1, sum: n, min: n, max: n, last: n };
      await intake.take({ accountId: 'A1', deviceId: '' }, { metric: 'm', dimensions: [{}], samples });
      order.push('flood');
    });
    const own = intake.receive({ accountId: 'A2', deviceId: 'D2' }, { metric: 'Heat', value: 5 });
    await Promise.all([...flood, own.then(() => order.push('device'))]);
    expect(order.indexOf('device')).toBeLessThan(250);
  });
});

describe('what devices set by metric/set', () => {
  it('is in the namespace Embedthis/Device, both ways', async () => {
    await intake.receive({ accountId: 'A1', deviceId: 'D1' }, { metric: 'Heat', value: 5 });
    const Namespace = 'Embedthis/Device';
    await call('PutMetricData', { Namespace, MetricData: [{ MetricName: 'Heat', Value: 7 }] });
    expect(await statistics({ Namespace })).toMatchObject([{ Sum: 12, Unit: 'None' }]);
    await put({ Value: 1 });
    const { Metrics } = await call('ListMetrics', {});
    expect(Metrics).toEqual([
      { Namespace, MetricName: 'Heat', Dimensions: [] },
      { Namespace: 'Fleet', MetricName: 'Heat', Dimensions: [] },
    ]);
  });
});

describe('GetMetricStatistics', () => {
  it.each([
    [{ StartTime: undefined }, 'MissingRequiredParameterException', 'StartTime'],
    [{ EndTime: 0 }, 'InvalidParameterValueException', 'less than'],
    [{ Period: 61 }, 'InvalidParameterValueException', 'Period'],
    [{ Period: 1 }, 'InvalidParameterCombinationException', 'exceeds the limit of 1440'],
    [{ Statistics: [] }, 'InvalidParameterCombinationException', 'At least one'],
    [{ Statistics: ['Median'] }, 'InvalidParameterValueException', 'Average'],
    [{ ExtendedStatistics: ['tm99'] }, 'InvalidParameterValueException', 'percentile'],
    [{ Unit: 'Furlongs' }, 'InvalidParameterValueException', 'Unit'],
  ])('refuses %j', async (more, code, message) => {
    expect(await failure(statistics(more))).toEqual(refused(code, message));
  });
});

describe('GetMetricData', () => {
  const data = (MetricDataQueries: object[], more: object = {}) =>
    call('GetMetricData', { StartTime: seconds(300), EndTime: seconds(-60), MetricDataQueries, ...more });

  it('answers the values of several series, the latest first unless asked otherwise, in pages', async () => {
    for (const ago of [0, 60, 120]) await put({ Value: ago + 1, Timestamp: seconds(ago) });
    const queries = [
      query('a'),
      { ...query('b', { Stat: 'p50' }), Label: 'Half' },
      query('c', { Unit: 'Count' }),
    ];
    expect((await data([...queries, { ...query('d'), ReturnData: false }])).MetricDataResults).toMatchObject([
      { Id: 'a', Label: 'Heat', Values: [1, 61, 121], StatusCode: 'Complete' },
      { Id: 'b', Label: 'Half', Timestamps: [seconds(), seconds(60), seconds(120)] },
      { Id: 'c', Values: [] },
    ]);
    const first = await data([query('a'), query('b')], { ScanBy: 'TimestampAscending', MaxDatapoints: 4 });
    expect(first.MetricDataResults).toMatchObject([
      { Id: 'a', Values: [121, 61, 1], StatusCode: 'Complete' },
      { Id: 'b', Values: [121], StatusCode: 'PartialData' },
    ]);
    const { NextToken } = first;
    const more = { ScanBy: 'TimestampAscending', MaxDatapoints: 4, NextToken };
    const second = await data([query('a'), query('b')], more);
    expect(second.MetricDataResults).toMatchObject([{ Id: 'b', Values: [61, 1], StatusCode: 'Complete' }]);
    expect(second.NextToken).toBeUndefined();
  });

  it('lets others have their turn while it answers', async () => {
    const many = Array.from({ length: 60 }, (_, n) => query(`q${n}`));
    const window = { StartTime: seconds(300), EndTime: seconds(-60) };
    const question = readDataQuestion({ ...window, MetricDataQueries: many });
    const order: string[] = [];
    const answer = dataAnswer(question, async () => undefined, clock.now()).then(() => order.push('answer'));
    setImmediate(() => order.push('other'));
    await answer;
    expect(order).toEqual(['other', 'answer']);
  });

  it.each([
    [[], {}, 'ValidationException', 'empty'],
    [[{ Id: 'a', Expression: 'm1 * 2' }], {}, 'ValidationException', 'math'],
    [[{ Id: 'a' }], {}, 'ValidationException', 'MetricStat'],
    [[query('A')], {}, 'ValidationException', 'Id'],
    [[query('a'), query('a')], {}, 'ValidationException', 'unique'],
    [[query('a', { Stat: 'IQM' })], {}, 'InvalidParameterValueException', 'percentile'],
    [[query('a')], { NextToken: 'x' }, 'InvalidNextToken', ''],
    [[query('a')], { MaxDatapoints: 0 }, 'ValidationException', 'MaxDatapoints'],
    [[query('a')], { EndTime: 0 }, 'ValidationException', 'StartTime'],
    [Array.from({ length: 501 }, (_, n) => query(`q${n}`)), {}, 'InvalidParameterValueException', '500'],
  ])('refuses %#', async (queries, more, code, message) => {
    expect(await failure(data(queries, more))).toEqual(refused(code, message));
  });
});

describe('ListMetrics', () => {
  it('finds by namespace, name, dimensions and recent use, in pages', async () => {
    const room = { Name: 'Room', Value: 'hall' };
    await put({ Value: 1, Dimensions: [room] });
    await clock.advance(4 * 3_600_000);
    const MetricData = Array.from({ length: 700 }, (_, n) => ({ MetricName: `m${n}`, Value: 1 }));
    await call('PutMetricData', { Namespace: 'Many', MetricData });
    const names = async (input: object) =>
      (await call('ListMetrics', input)).Metrics.map(({ MetricName }: Answer) => MetricName);
    expect(await names({ Namespace: 'Fleet' })).toEqual(['Heat']);
    expect(await names({ MetricName: 'm7' })).toEqual(['m7']);
    expect(await names({ Dimensions: [{ Name: 'Room' }] })).toEqual(['Heat']);
    expect(await names({ Dimensions: [{ Name: 'Room', Value: 'yard' }] })).toEqual([]);
    expect(await names({ Namespace: 'Fleet', RecentlyActive: 'PT3H' })).toEqual([]);
    const first = await call('ListMetrics', {});
    expect(first.Metrics).toHaveLength(500);
    const second = await call('ListMetrics', { NextToken: first.NextToken });
    expect([second.Metrics.length, second.NextToken]).toEqual([201, undefined]);
    expect(await failure(call('ListMetrics', { NextToken: 'x' }))).toEqual(refused('InvalidNextToken'));
    expect(await failure(call('ListMetrics', { RecentlyActive: 'P1D' }))).toEqual(
      refused('InvalidParameterValueException'),
    );
  });
});
