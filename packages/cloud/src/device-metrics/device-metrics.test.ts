import { compileSchema, completeSchema } from '@ioto/database';
import { deviceTopic, mergeSketches, serviceTopic, sketchOf } from '@ioto/protocol';
import { type Clock, silentLogger } from '@ioto/runtime';
import { until } from '@ioto/testkit/until';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeviceWorld } from '../devices/device-world.fixture.ts';
import { Complaints } from '../limits/complaints.ts';
import { type ItemStore, storeError, type Write } from '../ports/item-store.ts';
import { expirySweep } from '../sync/expiry/expiry-sweep.ts';
import { MetricDesk } from './metric-desk.ts';
import { MetricIntake } from './metric-intake.ts';
import { MOST_OF_DEVICE } from './series-limits.ts';

function intakeOf(store: ItemStore, clock: Clock): MetricIntake {
  const logger = silentLogger;
  return new MetricIntake({ store, clock, complaints: new Complaints({ clock, logger }), logger });
}

const DAY = 86_400_000;

let world: DeviceWorld;
let accountId: string;
let deviceId: string;
let desk: MetricDesk;
beforeEach(async () => {
  world = await DeviceWorld.create();
  accountId = await world.account();
  deviceId = (await world.ownedDevice(accountId)).id;
  world.endpoint.online.add(deviceId);
  desk = new MetricDesk({ store: world.store, clock: world.clock });
});
afterEach(() => world[Symbol.asyncDispose]());

/** As text, so that a test can write what no JSON.stringify does. */
const say = (topic: string, payload: string, from = deviceId) =>
  world.receive({ deviceId: from, accountId }, { topic, payload });
const set = (body: object, from = deviceId) => say(serviceTopic.metricSet(from), JSON.stringify(body), from);
const sets = (value: unknown, more: object = {}) => set({ metric: 'heat', value, dimensions: [{}], ...more });
const ask = async (statistic: string, { dimensions = {}, period = 300, metric = 'heat' } = {}) => {
  world.endpoint.sent.length = 0;
  const body = JSON.stringify({ metric, dimensions, period, statistic });
  await say(serviceTopic.request(deviceId, 'metric/get', '1'), body);
  expect(world.endpoint.sent[0]?.topic).toBe(deviceTopic.answer(deviceId, 'metric/get', '1'));
  return world.endpoint.sent[0]?.body;
};

describe('what a device measures', () => {
  it('is answered as one bare number of the period, by statistic', async () => {
    for (const value of [1, 2, 6]) await sets(value);
    const answers = [];
    for (const statistic of ['avg', 'sum', 'min', 'max', 'count', 'current'])
      answers.push(await ask(statistic));
    expect(answers).toEqual(['3', '9', '1', '6', '3', '6']);
  });

  it('is read as agents in the field print it', async () => {
    await say(
      serviceTopic.metricSet(deviceId),
      '{"metric":"heat","value":0e+00,"dimensions":[{}],"buffer":{"elapsed":0}}',
    );
    await say(serviceTopic.metricSet(deviceId), '{"metric":"heat","value":e+00,"dimensions":[{}]}');
    await sets('e+00');
    await sets('1.5e+01');
    expect([await ask('count'), await ask('sum')]).toEqual(['4', '15']);
  });

  it('is kept for each of the dimensions, the device’s own ID in the place of its name', async () => {
    const other = (await world.ownedDevice(accountId)).id;
    const dimensions = [{}, { Device: '${deviceId}' }, { Room: 'hall', Floor: 2 }];
    await sets(4, { dimensions });
    await set({ metric: 'heat', value: 8, dimensions: [{}, { Device: '${deviceId}' }] }, other);
    expect(await ask('avg')).toBe('6');
    expect(await ask('avg', { dimensions: { Device: '${deviceId}' } })).toBe('4');
    expect(await ask('avg', { dimensions: { Floor: '2', Room: 'hall' } })).toBe('4');
    const { items } = await desk.find(accountId, { metric: 'heat' });
    expect(items.map((each) => each.dimensions)).toContainEqual({ Device: other });
    expect(items).toHaveLength(4);
  });

  it('can be neither said nor read of another device, nor of another account', async () => {
    const other = (await world.ownedDevice(accountId)).id;
    await set({ metric: 'heat', value: 8, dimensions: [{ Device: '${deviceId}' }] }, other);
    await sets(1, { dimensions: [{ Device: other }] });
    expect(await ask('sum', { dimensions: { Device: other } })).toBe('');
    const question = { metric: 'heat', dimensions: { Device: other }, period: 60, statistic: 'sum' } as const;
    expect(await desk.value({ accountId, ...question })).toBe(8);
    const stranger = await world.account('Stranger');
    expect(await desk.value({ accountId: stranger, ...question })).toBe(0);
  });

  it('that means nothing is dropped, counted, and the log says why', async () => {
    await sets('warm');
    await sets(1, { metric: '' });
    await sets(1, { dimensions: 'Device' });
    await sets(1, { dimensions: [{ Room: { name: 'hall' } }] });
    await sets(1, { dimensions: Array.from({ length: 9 }, () => ({})) });
    expect(world.devices.metricCounts).toMatchObject({ taken: 0, refused: 5 });
    expect(world.logged.filter((line) => line.includes('its value is no number'))).toHaveLength(1);
    expect(await ask('avg')).toBe('');
    expect(await ask('mean')).toBe('');
  });

  it('is stored in one commit when many come at once, before any of them is acknowledged', async () => {
    let commits = 0;
    const stop = world.store.onChange(({ pk }) => {
      if (pk === `metric#${accountId}`) commits += 1;
    });
    await Promise.all(Array.from({ length: 100 }, (_, value) => sets(value)));
    expect(await ask('count')).toBe('100');
    stop();
    expect(commits).toBeLessThan(5);
  });

  it('comes to more series than a device may have only up to the limit; those that there are go on', async () => {
    const all = Array.from({ length: MOST_OF_DEVICE + 10 }, (_, index) =>
      set({ metric: `m${index}`, value: 1 }),
    );
    await Promise.all(all);
    expect(world.devices.metricCounts).toEqual({ taken: MOST_OF_DEVICE, refused: 10 });
    await set({ metric: 'm0', value: 2 });
    expect(await ask('sum', { metric: 'm0' })).toBe('3');
    await world.restart();
    await set({ metric: 'another', value: 1 });
    expect(world.devices.metricCounts).toEqual({ taken: 0, refused: 1 });
  });
});

describe('the percentiles of what a device measures', () => {
  it('are known to one part in a hundred, of its samples and of those that it put together', async () => {
    for (let value = 1; value <= 50; value += 1) await sets(value);
    const sketch = Array.from({ length: 50 }, (_, index) => sketchOf(51 + index)).reduce(mergeSketches);
    const lot = { n: 1, count: 50, sum: 3775, min: 51, max: 100, last: 100, sketch };
    await sets(75.5, { samples: lot });
    for (const [statistic, wanted] of [
      ['p50', 50],
      ['p90', 90],
      ['p99', 99],
      ['p100', 100],
    ] as const) {
      expect(Math.abs(Number(await ask(statistic)) - wanted) / wanted).toBeLessThan(0.011);
    }
    const { points } = await desk.points({
      ...{ accountId, metric: 'heat', dimensions: {}, period: 300, statistic: 'p50' },
    });
    expect(points).toHaveLength(1);
  });

  it('are not known when they are not of one of its samples', async () => {
    await sets(5);
    await sets(5, { samples: { n: 1, count: 3, sum: 15, min: 1, max: 9, last: 5, sketch: { p: [1, 2] } } });
    expect([await ask('p50'), await ask('avg'), await ask('p101')]).toEqual(['', '5', '']);
  });
});

describe('series that another process writes at the same time', () => {
  it('take room once, however often their commit is planned anew', async () => {
    let conflicts = 15;
    const store = new Proxy(world.store, {
      get: (target, name) => {
        if (name !== 'write') return Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name);
        return async (writes: readonly Write[]) => {
          conflicts -= 1;
          if (conflicts >= 0) throw storeError('CONDITION_FAILED', 'it has changed');
          return target.write(writes);
        };
      },
    });
    const intake = intakeOf(store, world.clock);
    const receive = (metric: string) => intake.receive({ accountId, deviceId }, { metric, value: 1 });
    await Promise.all(Array.from({ length: 20 }, (_, index) => receive(`m${index}`)));
    await receive('another');
    expect(intake.counters).toEqual({ taken: 21, refused: 0 });
  });
});

describe('samples that a device put together', () => {
  it('count as many, at the time when they were taken', async () => {
    const samples = { n: 1, age: 600, count: 4, sum: 20, min: 2, max: 9, last: 3 };
    await sets(5, { samples });
    expect(await ask('count')).toBe('0');
    const hour = { period: 3600 };
    const answers = [await ask('count', hour), await ask('avg', hour), await ask('max', hour)];
    expect([...answers, await ask('current', hour)]).toEqual(['4', '5', '9', '3']);
  });

  it('are taken in once, though they are sent again', async () => {
    await sets(5, { samples: { n: 1 } });
    await Promise.all([sets(7, { samples: { n: 2 } }), sets(7, { samples: { n: 2 } })]);
    await world.restart();
    await sets(5, { samples: { n: 1 } });
    expect(await ask('sum')).toBe('12');
  });
});

describe('the numbers of a device’s sets', () => {
  it('are forgotten when it has been silent for two months, and not while it measures', async () => {
    const clock = new VirtualClock();
    const { store } = world;
    const intake = intakeOf(store, clock);
    const schema = compileSchema(completeSchema({}));
    const sweep = expirySweep({ schema, store, clock, logger: silentLogger });
    const receive = (n: number) =>
      intake.receive({ accountId, deviceId }, { metric: 'heat', value: 1, samples: { n } });
    const notes = async () => (await store.query(`metric-seen#${accountId}`)).items.length;
    const look = async () => {
      await sweep.start();
      await clock.advance(60_000);
      await sweep.stop();
      return notes();
    };
    for (let n = 1; n <= 7; n += 1) {
      await receive(n);
      await clock.advance(10 * DAY);
    }
    expect(await look()).toBe(1);
    await receive(7);
    expect(intake.counters.taken).toBe(7);
    await clock.advance(51 * DAY);
    await until('the note to be gone', async () => (await look()) === 0);
  });
});

describe('a metric that nobody has set for longer than any is kept', () => {
  it('is gone', async () => {
    const clock = new VirtualClock();
    const { store } = world;
    const intake = intakeOf(store, clock);
    const identity = { accountId, deviceId: 'D1' };
    await intake.receive(identity, { metric: 'heat', value: 1 });
    await clock.advance(100 * DAY);
    await intake.receive(identity, { metric: 'heat', value: 1 });
    const series = async () => (await store.query(`metric#${accountId}`)).items.length;
    const sweep = expirySweep({
      schema: compileSchema(completeSchema({})),
      store,
      clock,
      logger: silentLogger,
    });
    const look = async () => {
      await sweep.start();
      await clock.advance(60_000);
      await sweep.stop();
      return series();
    };
    await clock.advance(399 * DAY);
    expect(await look()).toBe(1);
    await clock.advance(DAY);
    await until('the series to be gone', async () => (await look()) === 0);
    await until('the note of its maker, too', async () => {
      await look();
      return (await store.query(`metric-of#${accountId}`)).items.length === 0;
    });
  });
});
