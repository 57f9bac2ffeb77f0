import { compileSchema, completeSchema } from '@ioto/database';
import { serviceTopic } from '@ioto/protocol';
import { until } from '@ioto/testkit/until';
import { settle } from '@ioto/testkit/virtual-clock';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DeviceWorld } from '../devices/device-world.fixture.ts';
import { gonePartition } from '../sync/items/gone-marks.ts';
import { linkUp, RealDevice, sharedSchema, toCloud } from '../sync/real-ends.fixture.ts';
import { broadcastKey } from './own-broadcasts.ts';

const schema = compileSchema(completeSchema(sharedSchema));

let world: DeviceWorld;
let one: RealDevice;
let other: RealDevice;
beforeEach(async () => {
  world = await DeviceWorld.create({ schema: sharedSchema });
  const devices: RealDevice[] = [];
  for (const name of ['One', 'Other']) {
    const accountId = await world.account(name);
    devices.push(new RealDevice(world, accountId, (await world.ownedDevice(accountId)).id));
  }
  [one, other] = devices as [RealDevice, RealDevice];
  linkUp(world, () => devices);
  for (const device of devices) {
    await device.start();
    device.connect();
  }
  await flow();
});
afterEach(async () => {
  await one.stop();
  await other.stop();
  await world[Symbol.asyncDispose]();
});

/** What arrived at the devices. */
let heard: string[] = [];

/** All messages arrive, in their order, until there are no more. */
async function flow(): Promise<void> {
  for (let quiet = 0; quiet < 3; ) {
    let moved = 0;
    for (const device of [one, other]) {
      for (const message of device.up.splice(0)) await toCloud(world, device, message);
      for (const message of device.down.splice(0)) {
        heard.push(message.payload);
        await device.receive(message);
      }
      moved += device.up.length + device.down.length;
    }
    await settle(20);
    await new Promise((resolve) => setTimeout(resolve, 5));
    quiet = moved + one.down.length + other.down.length > 0 ? 0 : quiet + 1;
  }
}

const set = async (value: string, key = 'tariff') => {
  await world.clock.advance(1000);
  await world.devices.broadcasts.set({ key, value, type: 'string' }, 'admin');
  await flow();
};
const remove = async (key = 'tariff') => {
  await world.clock.advance(1000);
  await world.devices.broadcasts.remove(key, 'admin');
  await flow();
};
const held = (device: RealDevice, key = 'tariff') => device.database.get('Broadcast', { key })?.value;
const own = async (
  verb: 'create' | 'update' | 'remove',
  device: RealDevice,
  value?: string,
  deviceId?: string,
) => {
  await world.clock.advance(1000);
  const fields = { key: 'tariff', deviceId: deviceId ?? 'all', ...(value !== undefined && { value }) };
  await world.devices.items[verb]('Broadcast', fields, device.accountId);
  await flow();
};
const reconnect = async (device: RealDevice) => {
  device.connect();
  await flow();
};

describe('a broadcast of the operator', () => {
  it('reaches the devices of all accounts, on the topic for them, and under their own account', async () => {
    await set('low');
    expect([held(one), held(other)]).toEqual(['low', 'low']);
    expect(one.database.get('Broadcast', { key: 'tariff' })?.accountId).not.toBe('all');
    await set('high');
    expect([held(one), held(other)]).toEqual(['high', 'high']);
    await remove();
    expect([held(one), held(other)]).toEqual([undefined, undefined]);
  });

  it('reaches a device that was away when that is back, and its removal too', async () => {
    one.disconnect();
    await set('low');
    await reconnect(one);
    expect(held(one)).toBe('low');
    one.disconnect();
    await remove();
    await reconnect(one);
    expect(held(one)).toBeUndefined();
  });

  it('does not go before an account’s own, whichever came first', async () => {
    await set('low');
    await own('create', one, 'mine');
    expect([held(one), held(other)]).toEqual(['mine', 'low']);
    await set('high');
    expect([held(one), held(other)]).toEqual(['mine', 'high']);
    await remove();
    expect([held(one), held(other)]).toEqual(['mine', undefined]);
    one.disconnect();
    await set('later');
    heard = [];
    await reconnect(one);
    // Agents that take whatever comes last must not hear of it.
    expect(heard.join()).not.toContain('later');
    expect([held(one), held(other)]).toEqual(['mine', 'later']);
  });

  it('nor before a device’s own', async () => {
    await own('create', one, 'only this', one.id);
    await set('low');
    expect([held(one), held(other)]).toEqual(['only this', 'low']);
  });

  it('stands in when an account takes its own away, for a device that is there and one that is not', async () => {
    await own('create', one, 'mine');
    await set('low');
    await own('remove', one);
    await until('the operator’s to stand in', async () => {
      await flow();
      return held(one) === 'low';
    });
    await own('create', one, 'mine again');
    expect(held(one)).toBe('mine again');
    one.disconnect();
    await own('remove', one);
    await reconnect(one);
    expect(held(one)).toBe('low');
  });

  it('comes after an account’s own, so that its devices never take it for a moment', async () => {
    await own('create', one, 'mine');
    heard = [];
    await set('high');
    const places = ['mine', 'high'].map((value) => heard.findIndex((body) => body.includes(value)));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
  });

  it('does not go before an own one that is stored while it is being stored, and was made before', async () => {
    const updated = new Date(world.clock.now()).toISOString();
    const tenant = { accountId: one.accountId, deviceId: 'all' };
    const put = {
      ...broadcastKey(schema, 'tariff', tenant),
      ...{ _type: 'Broadcast', ...tenant, key: 'tariff', value: 'mine', created: updated, updated },
    };
    const { store } = world;
    const write = store.write.bind(store);
    const spy = vi.spyOn(store, 'write').mockImplementation(async (writes) => {
      if (!writes.some((each) => 'put' in each && each.put.value === 'high')) return write(writes);
      spy.mockRestore();
      await write([{ put }]);
      await write(writes);
    });
    await set('high');
    expect([held(one), held(other)]).toEqual(['mine', 'high']);
  });

  it('is kept from many own ones lot by lot; what a fault leaves, the same again does', async () => {
    const { store } = world;
    const ids = Array.from({ length: 150 }, (_, index) => `X${index}`);
    const { accountId } = one;
    const places = ids.map((deviceId) => broadcastKey(schema, 'tariff', { accountId, deviceId }));
    const fields = { _type: 'Broadcast', accountId, key: 'tariff', value: 'mine' };
    const updated = new Date(world.clock.now()).toISOString();
    const [device] = (await store.query(`d#${accountId}`)).items;
    await store.write([
      ...ids.map((id) => ({ put: { ...device, id, pk: `d#${accountId}`, sk: `d#${id}` } })),
      ...places.map((at, index) => ({ put: { ...fields, ...at, deviceId: ids[index], updated } })),
    ]);
    const update = store.update.bind(store);
    let calls = 0;
    const spy = vi.spyOn(store, 'update').mockImplementation(async (keys, decide) => {
      calls += 1;
      expect(keys.length).toBeLessThanOrEqual(100);
      if (calls === 2) throw new Error('the disk is full');
      await update(keys, decide);
    });
    await expect(set('high')).rejects.toThrow('the disk is full');
    expect((await world.devices.broadcasts.find({})).items).toEqual([]);
    await set('high');
    spy.mockRestore();
    const [operators] = (await world.devices.broadcasts.find({})).items;
    for (const { pk, sk } of places) {
      expect(String((await store.get(pk, sk))?.updated) > String(operators?.updated)).toBe(true);
    }
  });

  it('costs a device that comes back and has missed nothing no look at each of them', async () => {
    for (let n = 0; n < 20; n += 1)
      await world.devices.broadcasts.set({ key: `k${n}`, value: 'v', type: 'string' }, 'admin');
    await flow();
    for (let round = 0; round < 2; round += 1) {
      one.disconnect();
      await world.clock.advance(5000);
      await reconnect(one);
    }
    one.disconnect();
    const gets = vi.spyOn(world.store, 'get');
    await reconnect(one);
    expect(gets.mock.calls.length).toBeLessThan(10);
    gets.mockRestore();
    expect(held(one, 'k7')).toBe('v');
  });

  it('leaves a mark for as long only as a device may come back that has not heard of its end', async () => {
    await set('low');
    await remove();
    const marks = async () => (await world.store.query(gonePartition(broadcastKey(schema, 'any').pk))).items;
    const marked = new Date(world.clock.now() - 91 * 86_400_000).toISOString();
    await world.store.write((await marks()).map((mark) => ({ put: { ...mark, marked } })));
    await set('low', 'another');
    await remove('another');
    expect((await marks()).map(({ key }) => key)).toEqual(['another']);
  });

  it('is recorded with who did it, listed, and bounded in size', async () => {
    const { broadcasts } = world.devices;
    await set('low');
    await remove();
    await expect(broadcasts.remove('tariff', 'admin')).rejects.toMatchObject({ code: 'BROADCAST_UNKNOWN' });
    const large = broadcasts.set({ key: 'a', value: 'x'.repeat(5000), type: 'string' }, 'admin');
    await expect(large).rejects.toMatchObject({ code: 'BROADCAST_TOO_LARGE', status: 413 });
    const { entries } = await world.audit.find('cloud');
    expect(entries.map(({ action, actor }) => [action, actor])).toEqual([
      ['broadcast.removed', 'admin'],
      ['broadcast.set', 'admin'],
    ]);
    await set('two', 'another');
    expect((await broadcasts.find({})).items.map(({ key }) => key)).toEqual(['another']);
  });
});

describe('a device', () => {
  it('cannot speak for the operator', async () => {
    const change = {
      cmd: 'upsert',
      key: 'bcast#tariff',
      item: { _type: 'Broadcast', sk: 'bcast#tariff', key: 'tariff', value: 'x' },
    };
    const payload = JSON.stringify({ seq: 1, changes: [change] });
    await toCloud(world, one, { topic: serviceTopic.syncUp(one.id), payload });
    await flow();
    expect((await world.devices.broadcasts.find({})).items).toEqual([]);
    expect(held(other)).toBeUndefined();
  });
});
