import { settle } from '@ioto/testkit/virtual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeviceWorld } from '../devices/device-world.fixture.ts';
import { type Down, linkUp, RealDevice, sharedSchema, toCloud } from './real-ends.fixture.ts';

let world: DeviceWorld;
let accountId: string;
let devices: RealDevice[] = [];
let one: RealDevice;
let two: RealDevice;
beforeEach(async () => {
  world = await DeviceWorld.create({ schema: sharedSchema });
  linkUp(world, () => devices);
  accountId = await world.account();
  const ids = [await world.ownedDevice(accountId), await world.ownedDevice(accountId)];
  devices = ids.map(({ id }) => new RealDevice(world, accountId, id));
  for (const device of devices) device.saysHello = true;
  [one, two] = devices as [RealDevice, RealDevice];
  for (const device of devices) await device.start();
});
afterEach(async () => {
  for (const device of devices) await device.stop();
  await world[Symbol.asyncDispose]();
});

/** Every message arrives, until there are no more. */
async function calm(watch?: (device: RealDevice, message: Down) => void): Promise<void> {
  for (const device of devices) device.connect();
  for (let quiet = 0; quiet < 3; ) {
    await world.clock.advance(10);
    await settle();
    quiet += 1;
    for (const device of devices) {
      for (const message of device.up.splice(0)) {
        quiet = 0;
        await toCloud(world, device, message);
      }
      for (const message of device.down.splice(0)) {
        quiet = 0;
        watch?.(device, message);
        await device.receive(message);
      }
    }
  }
}

async function cutOff(): Promise<void> {
  await calm();
  for (const device of devices) device.disconnect();
}

const items = () => world.devices.items;
const inCloud = async () => (await items().find('Panel', {}, { accountId })).items[0];
const on = (device: RealDevice) => device.database.get('Panel', { name: 'a' });
const panels = async () => [await inCloud(), on(one), on(two)];

describe('an item that is merged by field', () => {
  beforeEach(async () => {
    await one.database.create('Panel', { name: 'a', led: 'off', level: 1 });
    await cutOff();
    await world.clock.advance(1000);
  });

  it('keeps what a device, another device and the owner each changed while they were apart', async () => {
    await one.database.update('Panel', { name: 'a', led: 'on' });
    await world.clock.advance(1000);
    await two.database.update('Panel', { name: 'a', level: 7 });
    await world.clock.advance(1000);
    await items().update('Panel', { name: 'a', modes: { night: true } }, accountId);
    await calm();
    const merged = { led: 'on', level: 7, modes: { night: true } };
    expect(await panels()).toMatchObject([merged, merged, merged]);
    expect(new Set((await panels()).map((panel) => panel?.updated)).size).toBe(1);
  });

  it('has the later value of a field that both changed, and what was taken away stays away', async () => {
    await one.database.update('Panel', { name: 'a', led: 'red', level: null });
    await world.clock.advance(1000);
    await two.database.update('Panel', { name: 'a', led: 'blue' });
    await calm();
    for (const panel of await panels()) {
      expect(panel).toMatchObject({ led: 'blue' });
      expect(panel).not.toHaveProperty('level');
    }
  });

  it('is kept as a merge over a power cut, and goes up again', async () => {
    await one.database.update('Panel', { name: 'a', led: 'on' });
    await items().update('Panel', { name: 'a', level: 5 }, accountId);
    one.connect();
    for (let round = 0; round < 4; round += 1) {
      await world.clock.advance(10);
      await settle();
      const asked = one.up.splice(0).filter(({ topic }) => !topic.endsWith('/syncToDynamo'));
      for (const message of asked) await toCloud(world, one, message);
      for (const message of one.down.splice(0)) await one.receive(message);
    }
    expect(on(one)).toMatchObject({ led: 'on', level: 5 });
    await one.crash(() => 0);
    await calm();
    expect(await inCloud()).toMatchObject({ led: 'on', level: 5 });
  });

  it('is gone when it was removed after the last change of any field, and stays when it was changed after', async () => {
    await one.database.update('Panel', { name: 'a', led: 'on' });
    await world.clock.advance(1000);
    await items().remove('Panel', { name: 'a' }, accountId);
    await cutOff();
    expect(await panels()).toEqual([undefined, undefined, undefined]);
    await two.database.create('Panel', { name: 'a', led: 'new' });
    await calm();
    expect(await panels()).toMatchObject([{ led: 'new' }, { led: 'new' }, { led: 'new' }]);
  });

  it('is taken as a whole from a device that does not tell the times of its fields', async () => {
    await items().update('Panel', { name: 'a', level: 5 }, accountId);
    await world.clock.advance(1000);
    const updated = new Date(world.clock.now()).toISOString();
    const item = { _type: 'Panel', sk: 'panel#a', name: 'a', led: 'on', level: 1, updated };
    const topic = `ioto/service/${one.id}/db/syncToDynamo`;
    const payload = JSON.stringify({ seq: 1, changes: [{ cmd: 'update', key: 'panel#a', item }] });
    await toCloud(world, one, { topic, payload });
    await calm();
    expect(await panels()).toMatchObject([
      { led: 'on', level: 1 },
      { led: 'on', level: 1 },
      { led: 'on', level: 1 },
    ]);
  });

  it('reaches a device that has agreed on nothing without the times of its fields', async () => {
    const old = new RealDevice(world, accountId, (await world.ownedDevice(accountId)).id);
    devices.push(old);
    await old.start();
    await calm();
    const texts: string[] = [];
    old.connect();
    await one.database.update('Panel', { name: 'a', led: 'on' });
    await calm((device, { topic, payload }) => {
      if (device === old && !topic.endsWith('/SYNC')) texts.push(payload);
    });
    expect(on(old)).toMatchObject({ led: 'on', level: 1 });
    expect(texts.filter((text) => text.includes('Panel'))).not.toEqual([]);
    expect(texts.join()).not.toContain('_times');
    await old.database.update('Panel', { name: 'a', level: 3 });
    await world.clock.advance(10);
    const up = old.up.map(({ payload }) => payload).join();
    expect(up).toContain('"level":3');
    expect(up).not.toMatch(/_times|"base"/);
  });

  it('shows nobody the times of its fields, and nobody may set them', async () => {
    await one.database.update('Panel', {
      name: 'a',
      led: 'on',
      _times: { level: '2099-01-01T00:00:00.000Z' },
    });
    await items().update(
      'Panel',
      { name: 'a', modes: {}, _times: { led: '2099-01-01T00:00:00.000Z' } },
      accountId,
    );
    await calm();
    await two.database.update('Panel', { name: 'a', led: 'later', level: 9 });
    await calm();
    for (const panel of await panels()) expect(panel).toMatchObject({ led: 'later', level: 9 });
    expect(on(two)).not.toHaveProperty('_times');
  });
});
