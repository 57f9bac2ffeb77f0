import { deviceTopic, SYNC_ABILITIES, serviceTopic } from '@ioto/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DeviceWorld } from '../../devices/device-world.fixture.ts';
import type { DevicePrincipal } from '../../ports/device-endpoint.ts';
import { everyRight } from '../../ports/every-right.fixture.ts';

let world: DeviceWorld;
let accountId: string;
let deviceId: string;
let principal: DevicePrincipal;
beforeAll(async () => {
  world = await DeviceWorld.create();
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(async () => {
  accountId = await world.account();
  deviceId = (await world.ownedDevice(accountId)).id;
  const facts = { generation: 1, serial: '', dialect: 'current', rights: everyRight } as const;
  principal = { kind: 'device', deviceId, accountId, ...facts };
  world.endpoint.online.add(deviceId);
  world.endpoint.sent.length = 0;
  await world.devices.gate.connected(principal);
});

const T1 = '2026-01-01T00:00:01.000Z';
const T2 = '2026-01-01T00:00:02.000Z';

function receive(topic: string, body: unknown): Promise<void> {
  return world.receive({ deviceId, accountId }, { topic, payload: JSON.stringify(body) });
}

async function hello(more: object = {}): Promise<Record<string, unknown>> {
  const words = { v: 1, can: [...SYNC_ABILITIES, 'teleport'], schema: 'x', generation: 'g1', latest: 9 };
  await receive(serviceTopic.request(deviceId, 'sync/hello', '7'), { ...words, pending: 2, ...more });
  return world.endpoint.bodies(`/sync/hello/7`).at(-1) ?? {};
}

const report = { beside: [], through: 9, latest: 9, pending: 0 };
const up = (changes: unknown[], more: object = report) =>
  receive(serviceTopic.syncUp(deviceId), { seq: 5, changes, ...more });
const change = (value: string, updated: string, more: object = {}, cmd = 'update') => {
  return { cmd, key: 's#a', item: { _type: 'Store', key: 'a', value, type: 'string', updated, ...more } };
};
const stored = () => world.store.get(`s#${accountId}#${deviceId}`, 's#a');
const kept = () => world.store.get(`device#${deviceId}`, 'sync');
const acks = () => world.endpoint.bodies('/sync/SYNC');

describe('a device that says hello', () => {
  it('is told what both can, how far it is confirmed, and a pace', async () => {
    expect(await hello()).toEqual({
      v: 1,
      can: [...SYNC_ABILITIES],
      schema: expect.stringMatching(/^[0-9a-f]{24}$/),
      through: 0,
      time: expect.any(String),
      pace: { window: 4, bytes: 122_880 },
    });
  });

  it('sends lean items, and is told in one word that all of them are durable', async () => {
    await hello();
    await up([change('1', T1, { created: T1 }, 'create')]);
    expect(await stored()).toMatchObject({ accountId, deviceId, sk: 's#a', value: '1', created: T1 });
    expect(acks()).toEqual([{ seq: 5, updated: expect.any(String), all: true, through: 9 }]);
    expect(await kept()).toMatchObject({ generation: 'g1', through: 9, latest: 9, pending: 0 });
  });

  it('keeps since when an item is that it says no more, and has the earliest that is known where it never did', async () => {
    await hello();
    await up([change('1', T1, { created: T1 }, 'create')]);
    await up([change('2', T2)]);
    expect(await stored()).toMatchObject({ value: '2', created: T1, updated: T2 });
    const key = { pk: `s#${accountId}#${deviceId}`, sk: 's#a' };
    await world.store.write([{ remove: key }]);
    await up([change('3', T2)]);
    expect(await stored()).toMatchObject({ value: '3', created: T2 });
  });

  it('is told the time that an item was given anew, and nothing else of it', async () => {
    await hello();
    await up([change('1', '2099-01-01T00:00:00.000Z')]);
    const stamp = String((await stored())?.updated);
    expect(acks()).toMatchObject([{ all: true, stamps: { 's#a': stamp } }]);
    expect(world.endpoint.bodies('/sync/MODIFY')).toEqual([]);
  });

  it('is told of what is newer in the cloud as by the contract', async () => {
    await hello();
    await up([change('2', T2)]);
    await up([change('1', T1)]);
    expect(world.endpoint.bodies('/sync/MODIFY')).toMatchObject([{ value: '2', sk: 's#a' }]);
  });

  it('has said nothing on the next connection, or after the cloud came back', async () => {
    await hello();
    await world.devices.gate.connected({ ...principal });
    await up([change('1', T1)]);
    await hello();
    await world.restart();
    await up([change('2', T2)]);
    expect(acks()).toEqual([1, 2].map(() => ({ seq: 5, keys: ['s#a'], updated: expect.any(String) })));
  });

  it('gets no answer to what is no hello', async () => {
    await receive(serviceTopic.request(deviceId, 'sync/hello', '8'), { v: 1, can: 'everything' });
    expect(world.endpoint.sent).toEqual([]);
    await up([change('1', T1)]);
    expect(acks()).toMatchObject([{ keys: ['s#a'] }]);
  });
});

describe('a device that says nothing', () => {
  it('gets byte for byte what the contract says, and leaves no record', async () => {
    await up([change('1', '2099-01-01T00:00:00.000Z', { sk: 's#a' })], {});
    const { updated } = acks()[0] ?? {};
    expect(world.endpoint.sent.map(({ topic, body }) => [topic, body])).toEqual([
      [deviceTopic.sync(deviceId, 'SYNC'), `{"seq":5,"keys":["s#a"],"updated":"${updated}"}`],
      [deviceTopic.sync(deviceId, 'MODIFY'), expect.stringContaining('"_type":"Store"')],
    ]);
    expect(await kept()).toBeUndefined();
  });
});

describe('how far changes are confirmed', () => {
  it('does not pass a batch that was lost', async () => {
    await hello({ latest: 30 });
    const said = { latest: 30, pending: 4 };
    await up([change('2', T2)], { seq: 6, beside: [5], through: 20, ...said });
    expect(await kept()).toMatchObject({ through: 0, pending: 4 });
    await up([change('1', T1)], { seq: 7, beside: [6], through: 20, ...said });
    await up([change('1', T1)], { seq: 8, beside: [5, 7], through: 30, ...said });
    expect(acks().map(({ through }) => through)).toEqual([0, 20, 20]);
  });

  it('is known when the cloud dies between its commit and its answer', async () => {
    await hello();
    await up([change('1', T1)]);
    await world.restart();
    expect(await hello()).toMatchObject({ through: 9 });
  });

  it('begins anew with another database, and with another owner', async () => {
    await hello();
    await up([change('1', T1)]);
    expect(await hello({ generation: 'g2' })).toMatchObject({ through: 0 });
    await up([change('1', T1)]);
    const other = await world.account('Other');
    accountId = other;
    expect(await hello({ generation: 'g2' })).toMatchObject({ through: 0 });
  });

  it('falls back with a storage that was put back, whose versions will be given out again', async () => {
    await hello();
    await up([change('1', T1)]);
    expect(await hello({ latest: 4, pending: 1 })).toMatchObject({ through: 4 });
  });

  it('says since when something waits, and what was lost', async () => {
    await hello({ pending: 12 });
    const since = (await kept())?.at;
    await world.clock.advance(60_000);
    await up([change('1', T1)], { ...report, pending: 11, lost: { Log: 3 } });
    expect(await kept()).toMatchObject({ pending: 11, since, lost: { Log: 3 } });
    await up([change('2', T2)], { ...report, lost: { Log: 3 } });
    expect(await kept()).not.toHaveProperty('since');
    expect(world.devices.syncCounts.lost).toBe(3);
  });
});
