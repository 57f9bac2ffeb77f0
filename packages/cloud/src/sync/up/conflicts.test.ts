import { serviceTopic } from '@ioto/protocol';
import { settle } from '@ioto/testkit/virtual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeviceWorld } from '../../devices/device-world.fixture.ts';
import { EXPIRY_PARTITION } from '../expiry/expiry-index.ts';
import { linkUp, RealDevice, sharedSchema, toCloud } from '../real-ends.fixture.ts';
import { conflictsOf } from './conflict-log.ts';

let world: DeviceWorld;
let accountId: string;
let one: string;
let two: string;
beforeEach(async () => {
  world = await DeviceWorld.create({ schema: sharedSchema });
  accountId = await world.account();
  one = (await world.ownedDevice(accountId)).id;
  two = (await world.ownedDevice(accountId)).id;
});
afterEach(() => world[Symbol.asyncDispose]());

/** ISO time, so many seconds from now. */
const time = (seconds: number) => new Date(world.clock.now() + seconds * 1000).toISOString();

async function up(deviceId: string, type: string, fields: object, base?: string): Promise<void> {
  const key = `${type.toLowerCase()}#a`;
  const item = { _type: type, sk: key, name: 'a', ...fields };
  const payload = JSON.stringify({
    seq: 1,
    changes: [{ cmd: 'upsert', key, item, base: base && Date.parse(base) }],
  });
  await world.receive({ deviceId, accountId }, { topic: serviceTopic.syncUp(deviceId), payload });
}
const conflicts = (deviceId: string) => conflictsOf(world.store, { accountId, deviceId });

describe('the conflict log of a device', () => {
  it('has the version that it brought too late, with its fields', async () => {
    await up(one, 'Setting', { value: 'newer', updated: time(-1) });
    await up(two, 'Setting', { value: 'older', updated: time(-5) });
    expect(await conflicts(two)).toMatchObject([
      {
        model: 'Setting',
        key: 'setting#a',
        kept: { by: one, updated: time(-1) },
        lost: { by: two, updated: time(-5), fields: { name: 'a', value: 'older' } },
      },
    ]);
    expect(await conflicts(one)).toEqual([]);
  });

  it('has the version that it replaced without having seen it', async () => {
    await up(one, 'Setting', { value: 'seen', updated: time(-9) });
    await world.devices.items.update('Setting', { name: 'a', value: 'by the owner' }, accountId);
    await up(two, 'Setting', { value: 'unseen', updated: time(2) }, time(-9));
    expect(await conflicts(two)).toMatchObject([
      { kept: { by: two }, lost: { fields: { value: 'by the owner' } } },
    ]);
  });

  it('has nothing of a change that was made with the other in sight, of a copy, or of the same content', async () => {
    await up(one, 'Setting', { value: 'first', updated: time(-9) });
    await up(two, 'Setting', { value: 'second', updated: time(-8) }, time(-9));
    // Its acknowledgement was lost.
    await up(one, 'Setting', { value: 'first', updated: time(-9) });
    await world.devices.items.update('Setting', { name: 'a', value: 'third' }, accountId);
    for (const device of [one, two]) await up(device, 'Setting', { value: 'second', updated: time(-8) });
    await up(two, 'Setting', { value: 'third', updated: time(-7) });
    expect([...(await conflicts(one)), ...(await conflicts(two))]).toEqual([]);
  });

  it('has a removal that came too late, and the change of an item that was removed meanwhile', async () => {
    await up(one, 'Setting', { value: 'first', updated: time(-9) });
    await world.devices.items.remove('Setting', { name: 'a' }, accountId);
    await up(two, 'Setting', { value: 'late', updated: time(-5) }, time(-9));
    expect(await conflicts(two)).toMatchObject([
      { kept: { removed: true }, lost: { fields: { value: 'late' } } },
    ]);
  });

  it('has only the values that were lost where items are merged by field', async () => {
    const first = time(-9);
    await up(one, 'Panel', { led: 'off', level: 1, updated: first });
    await up(
      one,
      'Panel',
      { led: 'red', level: 1, updated: time(-5), _times: { '*': first, led: time(-5) } },
      first,
    );
    await up(
      two,
      'Panel',
      { led: 'off', level: 7, updated: time(-4), _times: { '*': first, level: time(-4) } },
      first,
    );
    expect(await conflicts(two)).toEqual([]);
    const late = { led: 'blue', level: 1, updated: time(-6), _times: { '*': first, led: time(-6) } };
    await up(two, 'Panel', late, first);
    expect(await conflicts(two)).toEqual([]);
    const third = (await world.ownedDevice(accountId)).id;
    await up(third, 'Panel', late, first);
    expect(await conflicts(third)).toMatchObject([{ lost: { by: third, fields: { led: 'blue' } } }]);
  });

  it('has a conflict once, however often its change comes again, and in one batch too', async () => {
    await up(one, 'Setting', { value: 'newer', updated: time(-1) });
    const late = { _type: 'Setting', sk: 'setting#a', name: 'a', value: 'older', updated: time(-5) };
    const change = { cmd: 'upsert', key: 'setting#a', item: late };
    const fresh = { cmd: 'upsert', key: 'setting#b', item: { ...late, sk: 'setting#b', name: 'b' } };
    const payload = JSON.stringify({ seq: 1, changes: [change, fresh, change] });
    for (let round = 0; round < 3; round += 1) {
      await world.clock.advance(10);
      await world.receive({ deviceId: two, accountId }, { topic: serviceTopic.syncUp(two), payload });
    }
    expect(await conflicts(two)).toHaveLength(1);
    expect((await world.store.query(EXPIRY_PARTITION)).items).toHaveLength(1);
    expect(world.devices.syncCounts.conflicts).toBe(1);
    const taken = await world.devices.items.get('Setting', { name: 'b' }, accountId);
    expect(taken).toMatchObject({ value: 'older' });
  });

  it('keeps the newest hundred, and no more than twenty of one batch', async () => {
    await up(one, 'Setting', { value: 'newer', updated: time(-1) });
    for (let round = 0; round < 6; round += 1) {
      const changes = Array.from({ length: 25 }, (_, index) => ({
        cmd: 'upsert',
        key: 'setting#a',
        item: {
          ...{ _type: 'Setting', sk: 'setting#a', name: 'a', value: `${round}.${index}` },
          updated: time(-900 + round * 100 + index),
        },
      }));
      const payload = JSON.stringify({ seq: 1, changes });
      await world.clock.advance(10);
      await world.receive({ deviceId: two, accountId }, { topic: serviceTopic.syncUp(two), payload });
    }
    const kept = await conflicts(two);
    expect(kept).toHaveLength(100);
    expect(kept.map(({ at }) => at)).toEqual(
      kept
        .map(({ at }) => at)
        .sort()
        .reverse(),
    );
    // Those that went have left nothing that waits for their end.
    expect((await world.store.query(EXPIRY_PARTITION)).items).toHaveLength(100);
    expect(kept.filter(({ lost }) => String(lost.fields?.value).startsWith('5.'))).toHaveLength(20);
    expect(kept.some(({ lost }) => String(lost.fields?.value).startsWith('0.'))).toBe(false);
  });
});

describe('a change of a device that the owner has overtaken', () => {
  it('is in the conflict log, and the device hears of it', async () => {
    const device = new RealDevice(world, accountId, one);
    device.saysHello = true;
    linkUp(world, () => [device]);
    await device.start();
    const calm = async ({ losesBatches = false } = {}) => {
      device.connect();
      for (let round = 0; round < 6; round += 1) {
        await world.clock.advance(10);
        await settle();
        for (const message of device.up.splice(0)) {
          if (!losesBatches || !message.topic.endsWith('/syncToDynamo'))
            await toCloud(world, device, message);
        }
        for (const message of device.down.splice(0)) await device.receive(message);
      }
    };
    await device.database.create('Setting', { name: 'a', value: 'first' });
    await calm();
    device.disconnect();
    await world.clock.advance(1000);
    await device.database.update('Setting', { name: 'a', value: 'by the device' });
    await world.clock.advance(1000);
    await world.devices.items.update('Setting', { name: 'a', value: 'by the owner' }, accountId);
    await calm({ losesBatches: true });
    expect(device.database.get('Setting', { name: 'a' })).toMatchObject({ value: 'by the owner' });
    expect(device.conflicts).toMatchObject([
      { model: 'Setting', key: 'setting#a', lost: { item: { value: 'by the device' } } },
    ]);
    await world.clock.advance(5000);
    await calm();
    expect(await conflicts(one)).toMatchObject([
      { kept: {}, lost: { by: one, fields: { value: 'by the device' } } },
    ]);
    // The other way about: the device's version wins, over one that it had not seen.
    device.disconnect();
    await world.clock.advance(1000);
    await world.devices.items.update('Setting', { name: 'a', value: 'unseen' }, accountId);
    await world.clock.advance(1000);
    await device.database.update('Setting', { name: 'a', value: 'later' });
    await calm();
    expect((await conflicts(one))[0]).toMatchObject({
      kept: { by: one },
      lost: { fields: { value: 'unseen' } },
    });
    expect(await conflicts(one)).toHaveLength(2);
    await device.stop();
  });
});
