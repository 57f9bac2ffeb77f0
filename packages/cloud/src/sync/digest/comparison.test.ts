import { serviceTopic } from '@ioto/protocol';
import { settle } from '@ioto/testkit/virtual-clock';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DeviceWorld } from '../../devices/device-world.fixture.ts';
import { everyRight } from '../../ports/every-right.fixture.ts';
import { linkUp, RealDevice, sharedSchema, toCloud } from '../real-ends.fixture.ts';

const HOUR = 3_600_000;

let world: DeviceWorld;
let device: RealDevice;
let other: RealDevice;
let accountId: string;
const devices = () => [device, other].filter((each) => each?.isConnected);
/** Topics and bodies of what went either way since the last look. */
let traffic: { topic: string; payload: string }[] = [];

beforeAll(async () => {
  world = await DeviceWorld.create({ schema: sharedSchema });
  linkUp(world, devices);
});
afterAll(() => world[Symbol.asyncDispose]());

beforeEach(async () => {
  accountId = await world.account();
  [device, other] = (await Promise.all([newDevice(), newDevice()])) as [RealDevice, RealDevice];
  device.connect();
  await deliver();
  traffic = [];
});

async function newDevice(): Promise<RealDevice> {
  const { id } = await world.ownedDevice(accountId);
  const made = new RealDevice(world, accountId, id);
  made.saysHello = true;
  await made.start();
  return made;
}

/** Until nothing is under way in either direction. */
async function deliver(): Promise<void> {
  for (let quiet = 0; quiet < 3; quiet += 1) {
    await settle(8);
    for (const each of devices()) {
      while (each.up.length + each.down.length > 0) {
        quiet = 0;
        const [up] = each.up.splice(0, 1);
        if (up) {
          traffic.push(up);
          await toCloud(world, each, up);
        }
        const [down] = each.down.splice(0, 1);
        if (down) {
          traffic.push(down);
          await each.receive(down);
        }
        await settle(2);
      }
    }
  }
}

async function until<T>(work: Promise<T>): Promise<T> {
  let isDone = false;
  const ended = work.finally(() => {
    isDone = true;
  });
  ended.catch(() => undefined);
  for (let round = 0; round < 400 && !isDone; round += 1) {
    await deliver();
    if (!isDone) await world.clock.advance(500);
  }
  expect(isDone).toBe(true);
  return ended;
}

async function compare(isSameSchema = true): Promise<boolean> {
  traffic = [];
  device.checked.length = 0;
  return until(device.compare(isSameSchema));
}

const different = () => device.checked.filter(({ differences }) => differences > 0);
/** Sort keys of the items that travelled. */
function travelled(): string[] {
  return traffic
    .flatMap(({ topic, payload }) => {
      if (/syncToDynamo$/.test(topic))
        return (JSON.parse(payload).changes as { key: string }[]).map(({ key }) => key);
      return /\/sync\/(UPSERT|REMOVE|INSERT|MODIFY)$/.test(topic) ? [JSON.parse(payload).sk as string] : [];
    })
    .sort();
}

const storePk = () => `s#${accountId}#${device.id}`;
const inCloud = async (name: string) => (await world.store.get(storePk(), `s#${name}`))?.value;
const onDevice = (name: string) => device.database.get('Store', { key: name })?.value;

async function fill(count: number): Promise<void> {
  const writes = Array.from({ length: count }, (_, index) =>
    device.database.upsert('Store', { key: `k${index}`, value: `${index}` }),
  );
  await Promise.all(writes);
  await deliver();
}

describe('a device and its cloud that hold the same', () => {
  it('find it out with one small question a model, and the owner is shown when that was', async () => {
    await fill(50);
    expect(await compare()).toBe(true);
    expect(different()).toEqual([]);
    const questions = traffic.filter(({ topic }) => topic.includes('/service/'));
    expect(questions.filter(({ payload }) => payload.length > 250)).toEqual([]);
    const models = questions.flatMap(({ payload }) => JSON.parse(payload).model ?? []);
    expect(models.sort()).toEqual(['Broadcast', 'Panel', 'Setting', 'Store']);
    const record = await world.store.get(`device#${device.id}`, 'sync');
    expect(record?.checked).toBe(new Date(world.clock.now()).toISOString());
    expect(world.devices.syncCounts.digests).toBeGreaterThanOrEqual(4);
  });
});

describe('a cloud that has lost something', () => {
  it('gets what is missing, and nothing else', async () => {
    await fill(80);
    for (const name of ['k3', 'k70'])
      await world.store.write([{ remove: { pk: storePk(), sk: `s#${name}` } }]);
    expect(await compare()).toBe(true);
    expect(different()).toEqual([{ model: 'Store', differences: 2, sent: 2, fetched: 0 }]);
    expect(travelled()).toEqual(['s#k3', 's#k70']);
    expect([await inCloud('k3'), await inCloud('k70')]).toEqual(['3', '70']);
  });

  it('gets the newer version where its own was put back', async () => {
    await fill(3);
    const before = await world.store.get(storePk(), 's#k1');
    await world.clock.advance(10);
    await device.database.upsert('Store', { key: 'k1', value: 'new' });
    await deliver();
    if (before) await world.store.write([{ put: before }]);
    expect(await compare()).toBe(true);
    expect(travelled()).toEqual(['s#k1']);
    expect(await inCloud('k1')).toBe('new');
  });

  it('hears of a removal again that it has forgotten', async () => {
    await fill(3);
    const before = await world.store.get(storePk(), 's#k1');
    await device.database.remove('Store', { key: 'k1' });
    await deliver();
    await world.store.write([{ remove: { pk: `gone#${storePk()}`, sk: 's#k1' } }]);
    if (before) await world.store.write([{ put: before }]);
    expect(await compare()).toBe(true);
    expect([await inCloud('k1'), onDevice('k1')]).toEqual([undefined, undefined]);
    expect(different()).toEqual([{ model: 'Store', differences: 1, sent: 1, fetched: 0 }]);
  });
});

describe('a device that has lost something', () => {
  it('gets it back, and nothing else', async () => {
    await fill(80);
    // As after a salvage: gone, and no memory of it.
    const { database } = device;
    for (const name of ['k5', 'k6'])
      await database.apply({
        cmd: 'remove',
        model: 'Store',
        item: { key: name, updated: '2000-01-01T00:00:00.000Z' },
      });
    await database.apply({
      cmd: 'upsert',
      model: 'Store',
      item: { key: 'k7', value: 'old', updated: '2001-01-01T00:00:00.000Z' },
    });
    expect(await compare()).toBe(true);
    expect(different()).toEqual([{ model: 'Store', differences: 3, sent: 0, fetched: 3 }]);
    expect(travelled()).toEqual(['s#k5', 's#k6', 's#k7']);
    expect([onDevice('k5'), onDevice('k6'), onDevice('k7')]).toEqual(['5', '6', '7']);
  });

  it('gets more of them back than one answer tells of', async () => {
    const now = new Date(world.clock.now()).toISOString();
    const named = {
      _type: 'Store',
      accountId,
      deviceId: device.id,
      type: 'string',
      value: 'x',
      updated: now,
    };
    const puts = Array.from({ length: 1100 }, (_, index) => {
      const key = `${'n'.repeat(40)}${index}`;
      return { put: { ...named, key, pk: storePk(), sk: `s#${key}` } };
    });
    await world.store.write(puts);
    expect(await compare()).toBe(true);
    expect(different()).toEqual([{ model: 'Store', differences: 1100, sent: 0, fetched: 1100 }]);
    expect(device.database.find('Store')).toHaveLength(1100);
    const longest = Math.max(...traffic.map(({ payload }) => Buffer.byteLength(payload)));
    expect(longest).toBeLessThan(120 * 1024);
  });

  it('does so by itself when its time has come, and not before', async () => {
    await fill(3);
    await device.stop();
    device = await restarted(24 * HOUR);
    await world.clock.advance(31_000);
    await deliver();
    expect(device.checked.length).toBeGreaterThan(0);
    device.checked.length = 0;
    device.disconnect();
    device.connect();
    await deliver();
    await world.clock.advance(20 * HOUR);
    await deliver();
    expect(device.checked).toEqual([]);
    await world.clock.advance(4 * HOUR - 60_000);
    for (let second = 0; second < 240 && device.checked.length === 0; second += 1) {
      await world.clock.advance(1000);
      await deliver();
    }
    expect(device.checked.length).toBeGreaterThan(0);
  });
});

async function restarted(every: number): Promise<RealDevice> {
  const made = new RealDevice(world, accountId, device.id);
  made.saysHello = true;
  made.checksEvery = every;
  await made.start();
  device = made;
  made.connect();
  await deliver();
  return made;
}

describe('what an account or an operator has for many devices', () => {
  it('is compared as each device is to hold it', async () => {
    other.connect();
    await deliver();
    const { items, broadcasts } = world.devices;
    await other.database.upsert('Setting', { name: 'a', value: '1' });
    await items.create('Broadcast', { deviceId: 'all', key: 'mine', value: 'account' }, accountId);
    await items.create('Broadcast', { deviceId: device.id, key: 'own', value: 'device' }, accountId);
    await items.create('Broadcast', { deviceId: other.id, key: 'others', value: 'other' }, accountId);
    await broadcasts.set({ key: 'mine', value: 'operator', type: 'string' }, 'admin');
    await broadcasts.set({ key: 'each', value: 'operator', type: 'string' }, 'admin');
    await deliver();
    expect(await compare()).toBe(true);
    expect(different()).toEqual([]);
    const values = () => device.database.find('Broadcast').map(({ value }) => value);
    expect(values()).toEqual(['operator', 'account', 'device']);
    // Memory is lost.
    for (const key of ['mine', 'own', 'each']) {
      await device.database.apply({
        cmd: 'remove',
        model: 'Broadcast',
        item: { key, updated: '2000-01-01T00:00:00.000Z' },
      });
    }
    await device.database.apply({
      cmd: 'remove',
      model: 'Setting',
      item: { name: 'a', updated: '2000-01-01T00:00:00.000Z' },
    });
    expect(await compare()).toBe(true);
    expect(values()).toEqual(['operator', 'account', 'device']);
    expect(device.database.get('Setting', { name: 'a' })?.value).toBe('1');
    for (const key of ['mine', 'each']) await broadcasts.remove(key, 'admin');
  });

  it('stays on a device where nobody says that it is gone', async () => {
    await device.database.apply({
      cmd: 'upsert',
      model: 'Broadcast',
      item: { key: 'x', value: '1', updated: '2020-01-01T00:00:00.000Z' },
    });
    expect(await compare()).toBe(false);
    expect(different()).toEqual([{ model: 'Broadcast', differences: 1, sent: 0, fetched: 0 }]);
    expect(device.database.get('Broadcast', { key: 'x' })?.value).toBe('1');
  });
});

describe('items that expire while they are compared', () => {
  it('are no difference', async () => {
    const expires = new Date(world.clock.now() + HOUR / 2).toISOString();
    for (const key of ['swept', 'brief']) await device.database.upsert('Store', { key, value: '1', expires });
    await deliver();
    await world.store.write([{ remove: { pk: storePk(), sk: 's#swept' } }]);
    const updated = '2000-01-01T00:00:00.000Z';
    await device.database.apply({ cmd: 'remove', model: 'Store', item: { key: 'brief', updated } });
    expect(await compare()).toBe(true);
    expect(different()).toEqual([]);
  });
});

describe('a device and a cloud of different schemas', () => {
  it('compare times only, so that a field which one of them does not know is no difference', async () => {
    await fill(2);
    const held = await world.store.get(storePk(), 's#k1');
    if (held) await world.store.write([{ put: { ...held, value: 'altered' } }]);
    expect(await compare(false)).toBe(true);
    expect(different()).toEqual([]);
    await compare(true);
    expect(different()).toMatchObject([{ model: 'Store', differences: 1 }]);
  });
});

describe('questions that no agent of ours would ask', () => {
  async function ask(request: string, body: object): Promise<unknown> {
    traffic = [];
    const message = { topic: serviceTopic.request(device.id, request, '7'), payload: JSON.stringify(body) };
    await toCloud(world, device, message);
    await deliver();
    const answer = traffic.find(({ topic }) => topic.endsWith(`/${request}/7`));
    return answer && JSON.parse(answer.payload);
  }
  const at = '2026-01-01T00:00:00.000Z';
  const question = { model: 'Store', at, digest: '00', count: 0 };

  it('are refused or not answered, and cost nothing', async () => {
    await fill(1);
    expect(await ask('sync/digest', { ...question, bits: 99, buckets: '' })).toBeUndefined();
    expect(await ask('sync/digest', { ...question, bits: 3, buckets: 'x'.repeat(100_000) })).toBeUndefined();
    expect(await ask('sync/digest', { ...question, bits: 3, buckets: 'AAAA' })).toEqual({
      refused: expect.any(String),
    });
    for (const model of ['Nope', 'Device', 'Command', 'Log', 'SyncState', '__proto__'])
      expect(await ask('sync/digest', { ...question, model })).toEqual({ refused: expect.any(String) });
    expect(await ask('sync/digest', { ...question, at: 'soon' })).toEqual({ refused: expect.any(String) });
    expect(await ask('sync/fetch', { model: 'Store', keys: Array(501).fill('s#k0') })).toBeUndefined();
    expect(await ask('sync/fetch', { model: 'Command', keys: ['x'] })).toEqual({
      refused: expect.any(String),
    });
  });

  it('never bring what is of another device or account', async () => {
    const stranger = await world.account();
    const foreign = { _type: 'Store', updated: at, value: 'secret' };
    await world.store.write([
      { put: { ...foreign, pk: `s#${stranger}#${device.id}`, sk: 's#a', accountId: stranger } },
      // Where only the item itself says whose it is.
      { put: { ...foreign, pk: storePk(), sk: 's#b', accountId: stranger, deviceId: device.id } },
      { put: { ...foreign, pk: storePk(), sk: 's#c', accountId, deviceId: other.id } },
      { put: { ...foreign, _type: 'Other', pk: storePk(), sk: 's#d', accountId, deviceId: device.id } },
    ]);
    const keys = ['s#a', 's#b', 's#c', 's#d', '', 's#\0', `s#${'x'.repeat(1020)}`, '../s#a'];
    expect(await ask('sync/fetch', { model: 'Store', keys })).toEqual({ sent: 0 });
    expect(await ask('sync/digest', { ...question, digest: '0'.repeat(24) })).toEqual({ equal: true });
    expect(JSON.stringify(traffic)).not.toContain('secret');
  });

  it('are told to come later when there are too many, and only those of this device', async () => {
    const answers: unknown[] = [];
    for (let n = 0; n < 25; n += 1) answers.push(await ask('sync/digest', question));
    expect(answers.slice(0, 20).every((answer) => 'equal' in (answer as object))).toBe(true);
    expect(answers.at(-1)).toEqual({ retryAfter: 3 });
  });

  it('are not answered to a device that has not agreed to compare', async () => {
    await world.devices.gate.connected({
      ...{ kind: 'device', deviceId: device.id, accountId, generation: 1, serial: '' },
      ...{ dialect: 'current', rights: everyRight },
    });
    expect(await ask('sync/digest', question)).toBeUndefined();
    expect(await ask('sync/fetch', { model: 'Store', keys: [] })).toBeUndefined();
  });
});
