import { serviceTopic } from '@ioto/protocol';
import { CodedError } from '@ioto/runtime';
import { settle, VirtualClock } from '@ioto/testkit/virtual-clock';
import { describe, expect, it } from 'vitest';
import { openMetric } from './metric.ts';
import { MetricSender } from './metric-sender.ts';

const MINUTE = 60_000;

interface Message {
  metric: string;
  value: number;
  dimensions: object[];
  buffer: object;
  samples: {
    n: number;
    age?: number;
    count?: number;
    sum?: number;
    min?: number;
    max?: number;
    last?: number;
  };
}

/** A device's metrics, and a cloud whose PUBACKs the test sends. */
function setting({ isOurs = true } = {}) {
  const clock = new VirtualClock();
  const sender = new MetricSender({ clock, id: 'D1', isOurs: () => isOurs });
  const sent: Message[] = [];
  const pending: { acknowledge(): void; lose(): void }[] = [];
  let answers = true;
  const metric = openMetric(() => ({ id: 'D1', sender, ask: async () => '21.5' }));
  const connect = () =>
    sender.connected((topic, payload) => {
      expect(topic).toBe(serviceTopic.metricSet('D1'));
      sent.push(JSON.parse(payload));
      if (answers) return Promise.resolve();
      return new Promise((resolve, reject) =>
        pending.push({ acknowledge: resolve, lose: () => reject(new CodedError('MQTT_OFFLINE', 'gone')) }),
      );
    });
  const holdAnswers = () => {
    answers = false;
  };
  const disconnect = () => {
    sender.disconnected();
    for (const each of pending.splice(0)) each.lose();
  };
  return { clock, sender, sent, metric, connect, disconnect, holdAnswers, pending };
}

describe('a metric', () => {
  it('goes up at once when there is a connection, as the contract has it', async () => {
    const { metric, sent, connect } = setting();
    connect();
    expect(await metric.set('heat', 21, [{ Device: '${deviceId}' }])).toBe('sent');
    const samples = { n: expect.any(Number) };
    const contract = {
      metric: 'heat',
      value: 21,
      dimensions: [{ Device: '${deviceId}' }],
      buffer: { elapsed: 0 },
    };
    expect(sent).toEqual([{ ...contract, samples }]);
  });

  it('tells a cloud that is not ours nothing but what the contract has', async () => {
    const { metric, sent, connect } = setting({ isOurs: false });
    for (const value of [4, 8]) await metric.set('heat', value);
    connect();
    await metric.set('heat', 21);
    const contract = { metric: 'heat', dimensions: [{}], buffer: { elapsed: 0 } };
    expect(sent).toEqual([
      { ...contract, value: 6 },
      { ...contract, value: 21 },
    ]);
  });

  it('waits without one, put together by intervals, and tells how long ago it was', async () => {
    const { metric, sent, connect, clock } = setting();
    for (const value of [4, 1, 7]) expect(await metric.set('heat', value)).toBe('kept');
    await clock.advance(10 * MINUTE);
    await metric.set('heat', 9);
    expect(sent).toEqual([]);
    connect();
    expect(sent).toMatchObject([
      {
        value: 4,
        samples: { age: 600, count: 3, sum: 12, min: 1, max: 7, last: 7, sketch: { p: expect.any(Array) } },
      },
      { value: 9, samples: { n: expect.any(Number) } },
    ]);
    expect(sent[1]?.samples).not.toHaveProperty('count');
  });

  it('waits for those after it as long as it may, and each series for itself', async () => {
    const { metric, sent, connect, clock } = setting();
    connect();
    await metric.set('heat', 1, [{}], { elapsed: 30 });
    await clock.advance(10_000);
    await metric.set('heat', 2, [{}], { elapsed: 30 });
    await metric.set('heat', 8, [{ Room: 'hall' }], { elapsed: 30 });
    await clock.advance(19_000);
    expect(sent).toEqual([]);
    await clock.advance(1000);
    expect(sent).toMatchObject([{ samples: { count: 2, sum: 3 } }]);
    await clock.advance(10_000);
    expect(sent).toHaveLength(2);
  });

  it('whose PUBACK was lost goes up again under its number', async () => {
    const { metric, sent, connect, disconnect, holdAnswers, pending } = setting();
    holdAnswers();
    connect();
    const setting1 = metric.set('heat', 1);
    disconnect();
    expect(await setting1).toBe('kept');
    connect();
    expect(sent).toHaveLength(2);
    expect(sent[1]).toEqual(sent[0]);
    pending[0]?.acknowledge();
    await settle(10);
    disconnect();
    connect();
    expect(sent).toHaveLength(2);
  });

  it('is not sent without end on a connection that refuses it, but after a while, or on the next', async () => {
    const { metric, sender, sent, connect, clock } = setting();
    let asked = 0;
    const refuse = async () => {
      asked += 1;
      // A test that hangs says less than one that fails.
      if (asked > 100) await new Promise(() => undefined);
      throw new CodedError('MQTT_OFFLINE', 'the connection is ending');
    };
    sender.connected(refuse);
    expect(await metric.set('heat', 1)).toBe('kept');
    expect(await metric.set('heat', 2)).toBe('kept');
    await settle(300);
    expect(asked).toBe(1);
    await sender.drain();
    await clock.advance(5000);
    expect(asked).toBe(3);
    connect();
    await settle(10);
    expect(sent).toMatchObject([{ value: 1 }, { value: 2 }]);
  });

  it('has sixteen messages under way at most', async () => {
    const { metric, sent, connect, holdAnswers, pending } = setting();
    holdAnswers();
    for (let index = 0; index < 20; index += 1) await metric.set(`m${index}`, index);
    connect();
    expect(sent).toHaveLength(16);
    pending[0]?.acknowledge();
    await settle(10);
    expect(sent).toHaveLength(17);
  });

  it('pauses when the cloud asked for less', async () => {
    const { metric, sender, sent, connect, clock } = setting();
    connect();
    sender.pause(30_000);
    expect(await metric.set('heat', 1)).toBe('kept');
    await clock.advance(29_000);
    expect(sent).toEqual([]);
    await clock.advance(1000);
    expect(sent).toMatchObject([{ value: 1 }]);
  });

  it('that was measured for one owner is not told another', async () => {
    const { metric, sender, sent, connect, disconnect } = setting();
    await metric.set('heat', 1);
    sender.prepare({ accountId: 'first' });
    connect();
    disconnect();
    await metric.set('heat', 2);
    sender.prepare({ accountId: 'second' });
    connect();
    expect(sent).toMatchObject([{ value: 1 }]);
  });

  it('that may still wait goes up when the agent stops', async () => {
    const { metric, sender, sent, connect } = setting();
    connect();
    await metric.set('heat', 1, [{}], { elapsed: 3600 });
    await sender.drain();
    expect(sent).toMatchObject([{ value: 1 }]);
  });

  it('of a week without a connection loses nothing that the cloud would keep', async () => {
    const { metric, sent, connect, clock } = setting();
    for (let index = 0; index < 1900; index += 1) await metric.set(`m${index}`, 1);
    for (let minute = 0; minute < 7 * 24 * 60; minute += 10) {
      await metric.set('heat', 1);
      await clock.advance(10 * MINUTE);
    }
    connect();
    await settle(3000);
    expect(metric.lost).toBe(0);
    const heat = sent.filter((message) => message.metric === 'heat');
    expect(heat.length).toBeLessThan(100);
    expect(heat.reduce((total, { samples }) => total + (samples.count ?? 1), 0)).toBe(7 * 24 * 6);
  });

  it('of more series than there is room for pushes the oldest out, and they are counted', async () => {
    const { metric, sent, connect } = setting();
    for (let index = 0; index < 2100; index += 1) await metric.set(`m${index}`, 1);
    expect(metric.lost).toBe(100);
    connect();
    await settle(3000);
    expect(sent).toHaveLength(2000);
    expect(sent.some((message) => message.metric === 'm2099')).toBe(true);
  });

  it('is refused with what is wrong', async () => {
    const { metric, sent, connect } = setting();
    connect();
    const refused = (message: RegExp) =>
      expect.objectContaining({ code: 'METRIC_INVALID', message: expect.stringMatching(message) });
    await expect(metric.set('', 1)).rejects.toEqual(refused(/name of a metric/));
    await expect(metric.set('x'.repeat(129), 1)).rejects.toEqual(refused(/at most 128 characters/));
    await expect(metric.set('heat', Number.NaN)).rejects.toEqual(refused(/finite number/));
    const other = [{ Device: '${deviceId}' }, { Device: 'OTHER' }];
    await expect(metric.set('heat', 1, other)).rejects.toEqual(refused(/no other device/));
    await expect(metric.set('heat', 1, [])).rejects.toEqual(refused(/list of 1 to 8/));
    await expect(metric.set('heat', 1, [{ Room: '' }])).rejects.toEqual(refused(/dimension Room/));
    await expect(metric.set('heat', 1, [{}], { elapsed: -1 })).rejects.toEqual(refused(/elapsed/));
    await expect(metric.get('heat', {}, 0, 'avg')).rejects.toEqual(refused(/period/));
    await expect(metric.get('heat', {}, 60, 'mean' as 'avg')).rejects.toEqual(refused(/one of avg, sum/));
    expect(sent).toEqual([]);
  });
});

describe('the answer for a metric', () => {
  it('is its number, and none is NaN', async () => {
    const { metric } = setting();
    expect(await metric.get('heat', {}, 300, 'avg')).toBe(21.5);
    const { sender } = setting();
    const silent = openMetric(() => ({ id: 'D1', sender, ask: async () => '' }));
    expect(await silent.get('heat', {}, 300, 'avg')).toBeNaN();
  });
});
