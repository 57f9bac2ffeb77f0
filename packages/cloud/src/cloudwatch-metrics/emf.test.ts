import { silentLogger } from '@ioto/runtime';
import { until } from '@ioto/testkit/until';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AwsCaller } from '../aws-http/aws-caller.ts';
import type { MetricOutcome } from '../device-metrics/metric-intake.ts';
import type { MetricSet } from '../device-metrics/metric-message.ts';
import { everyRight } from '../ports/every-right.fixture.ts';
import { metricsOfLine } from './emf.ts';
import { EmfReader } from './emf-reader.ts';

/** Bytes of lines that may wait. */
const MOST = 40_000;
const NOW = Date.UTC(2026, 0, 1);
const line = (values: object, directive: object = {}, meta: object = {}) =>
  JSON.stringify({
    _aws: {
      Timestamp: NOW,
      CloudWatchMetrics: [
        {
          Namespace: 'App',
          Dimensions: [['Service']],
          Metrics: [{ Name: 'Latency', Unit: 'Milliseconds' }],
          ...directive,
        },
      ],
      ...meta,
    },
    ...values,
  });
const read = (message: string) => [...metricsOfLine(message, NOW)];
const whole = { Service: 'door', Latency: 12, requestId: 'abc' };

describe('a log line in the embedded metric format', () => {
  it('is also samples of its metrics, in a series for each set of dimensions', () => {
    expect(read(line(whole, { Dimensions: [['Service'], ['Service', 'requestId'], []] }))).toMatchObject([
      {
        ...{ namespace: 'App', metric: 'Latency', unit: 'Milliseconds' },
        dimensions: [{ Service: 'door' }, { Service: 'door', requestId: 'abc' }, {}],
        samples: { at: NOW, count: 1, sum: 12 },
      },
    ]);
    expect(read(line({ ...whole, Latency: [1, 2, 6] }))).toMatchObject([
      { samples: { count: 3, sum: 9, min: 1, max: 6, last: 6 } },
    ]);
    expect(read(line({ ...whole, Service: 7 }))).toMatchObject([{ dimensions: [{ Service: '7' }] }]);
    expect(read(line(whole, { Namespace: 'Embedthis/Device' }))[0]).not.toHaveProperty('namespace');
  });

  it('is what can be read of it', () => {
    const Metrics = [
      { Name: 'Latency' },
      { Name: 'Absent' },
      { Name: 'requestId' },
      { Unit: 'None' },
      { Name: 'Latency', Unit: 'Yards' },
    ];
    expect(read(line(whole, { Metrics }))).toHaveLength(1);
    expect(read(line(whole, { Dimensions: [['Absent'], ['Service']] }))).toMatchObject([
      { dimensions: [{ Service: 'door' }] },
    ]);
  });

  it.each([
    ['is text', 'latency 12'],
    ['is JSON without it', '{"Latency":12}'],
    ['is cut off', line(whole).slice(0, -1)],
    ['has none of its dimensions', line({ Latency: 12 })],
    ['is of another time', line(whole, {}, { Timestamp: NOW - 15 * 86_400_000 })],
    ['has no time', line(whole, {}, { Timestamp: undefined })],
    ['has a namespace of AWS', line(whole, { Namespace: 'AWS/EC2' })],
    ['has no list of metrics', line(whole, { Metrics: 'Latency' })],
    ['has null for everything', '{"_aws":null,"x":null}'],
    ['has null within', '{"_aws":{"Timestamp":1,"CloudWatchMetrics":[null]}}'],
  ])('that %s is a line alone', (_what, message) => {
    expect(read(message)).toEqual([]);
  });

  it('is a thousand series at the most, and the values of a metric are looked at once', () => {
    const Metrics = Array.from({ length: 100 }, (_, n) => ({ Name: `m${n}` }));
    const Latency = Array.from({ length: 100 }, (_, n) => n);
    const values = Object.fromEntries(Metrics.map(({ Name }) => [Name, Latency]));
    const directive = { Namespace: 'App', Dimensions: [['Service'], []], Metrics };
    const CloudWatchMetrics = Array.from({ length: 100 }, () => directive);
    const sets = read(line({ ...values, Service: 'door' }, {}, { CloudWatchMetrics }));
    expect(sets).toHaveLength(500);
    expect(new Set(sets.map(({ samples }) => samples)).size).toBe(100);
  });

  it('never throws, whatever it says', () => {
    const value = fc.jsonValue();
    fc.assert(
      fc.property(value, value, value, value, (Dimensions, Metrics, Latency, Namespace) => {
        expect(Array.isArray(read(line({ Latency, Service: 'x' }, { Dimensions, Metrics, Namespace })))).toBe(
          true,
        );
      }),
    );
  });
});

describe('metrics of the lines that a device or a tool has put', () => {
  const caller = (kind: 'device' | 'viewer', accountId = 'A1'): AwsCaller =>
    kind === 'device'
      ? { kind, deviceId: 'D1', accountId, generation: 1, dialect: 'current', rights: everyRight }
      : {
          ...{ kind: 'tool', accountId, role: 'viewer', sponsor: { by: 'admin' } },
          ...{ sessionId: 't', expires: 0, rights: everyRight },
        };

  function reader(outcome: () => Promise<MetricOutcome> = async () => 'taken') {
    const taken: MetricSet[] = [];
    const clock = new VirtualClock(NOW);
    const intake = {
      take(_identity: unknown, set: MetricSet) {
        taken.push(set);
        return outcome();
      },
    };
    return { taken, reader: new EmfReader({ intake, clock, logger: silentLogger, most: MOST }) };
  }

  it('are stored for those that may set them', async () => {
    const { taken, reader: emf } = reader();
    emf.linesPut({ caller: caller('device'), events: [{ message: line(whole) }, { message: 'text' }] });
    const other = line({ ...whole, Device: 'D2' }, { Dimensions: [['Device']] });
    emf.linesPut({ caller: caller('device'), events: [{ message: other }] });
    emf.linesPut({ caller: caller('viewer'), events: [{ message: line(whole) }] });
    await until('the lines to be read', () => emf.counters.refused === 2);
    expect([taken.length, emf.counters]).toEqual([1, { taken: 1, refused: 2 }]);
  });

  it('are read in turns, and those of lines that come too fast are dropped', async () => {
    const { taken, reader: emf } = reader();
    const message = line(whole);
    const events = Array.from({ length: 300 }, () => ({ message }));
    emf.linesPut({ caller: caller('device'), events });
    const fits = Math.floor(MOST / message.length);
    expect([taken.length, emf.counters.refused]).toEqual([0, 300 - fits]);
    await until('the lines to be read', () => emf.counters.taken === fits);
    emf.linesPut({ caller: caller('device'), events: events.slice(0, 150) });
    await until('the others to be read', () => emf.counters.taken === fits + 150);
  });

  it('are not displaced by those of another account, however many, nor wait for all of them', async () => {
    const { taken, reader: emf } = reader(() => new Promise(() => undefined));
    const message = line({ Service: 'flood', Latency: 1 });
    emf.linesPut({ caller: caller('device'), events: Array.from({ length: 1000 }, () => ({ message })) });
    emf.linesPut({ caller: caller('device', 'A2'), events: [{ message: line(whole) }] });
    await until('the line of the other account to be read', () => taken.length === 101);
    expect(taken.at(-1)).toMatchObject({ dimensions: [{ Service: 'door' }] });
  });

  it('of one line with a great many are stored in turns too, and all of them', async () => {
    const { taken, reader: emf } = reader();
    const Metrics = Array.from({ length: 50 }, (_, n) => ({ Name: `m${n}` }));
    const samples = Array.from({ length: 100 }, (_, n) => n);
    const values = Object.fromEntries(Metrics.map(({ Name }) => [Name, samples]));
    const flood = line({ ...values, Service: 'flood' }, { Metrics, Dimensions: [['Service'], []] });
    emf.linesPut({ caller: caller('device'), events: [{ message: flood }] });
    emf.linesPut({ caller: caller('device', 'A2'), events: [{ message: line(whole) }] });
    await until('all to be stored', () => emf.counters.taken === 51);
    // Two series of a hundred samples each: five sets have the thousand of a turn.
    expect(taken.findIndex(({ metric }) => metric === 'Latency')).toBe(5);
    expect(new Set(taken.map(({ metric }) => metric)).size).toBe(51);
  });

  it('are dropped when the cloud cannot store them', async () => {
    const { reader: emf } = reader(() => Promise.reject(new Error('disk full')));
    emf.linesPut({ caller: caller('device'), events: [{ message: line(whole) }] });
    await until('the line to be read', () => emf.counters.refused === 1);
  });
});
