import { deviceTopic, serviceTopic } from '@ioto/protocol';
import { until } from '@ioto/testkit/until';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeviceWorld } from '../devices/device-world.fixture.ts';

let world: DeviceWorld;
let accountId: string;
let deviceId: string;
beforeEach(async () => {
  world = await DeviceWorld.create();
  accountId = await world.account();
  deviceId = (await world.ownedDevice(accountId)).id;
  world.endpoint.online.add(deviceId);
});
afterEach(() => world[Symbol.asyncDispose]());

const T1 = '2026-01-01T00:00:01.000Z';
const T2 = '2026-01-01T00:00:02.000Z';
const T3 = '2026-01-01T00:00:03.000Z';

function receive(topic: string, body: unknown): Promise<void> {
  const payload = typeof body === 'string' ? body : JSON.stringify(body);
  return world.receive({ deviceId, accountId }, { topic, payload });
}

const up = (changes: unknown[], seq = 1) => receive(serviceTopic.syncUp(deviceId), { seq, changes });

function change(key: string, value: string, updated: string, cmd = 'update', more: object = {}) {
  const item = { _type: 'Store', sk: `s#${key}`, key, value, type: 'string', updated, ...more };
  return { cmd, key: `s#${key}`, item };
}

const stored = (key: string) =>
  world.store.get(`s#${accountId}#${deviceId}`, `s#${key}`) as Promise<Record<string, unknown> | undefined>;
const acks = () => world.endpoint.bodies('/sync/SYNC');
const ends = () => world.endpoint.bodies('/sync/SYNCDOWN');
const ask = (timestamp = '1970-01-01T00:00:00.000Z') =>
  receive(serviceTopic.syncDown(deviceId), { timestamp });
/** A whole sync down. */
async function down(since?: string): Promise<void> {
  const before = ends().length;
  await ask(since);
  await until('the end of a sync down', () => ends().length > before);
}

describe('a batch that a device sends up', () => {
  it('is durable before it is acknowledged, with every key', async () => {
    await up([change('a', '1', T1, 'create'), change('b', '2', T1, 'create')], 17);
    expect(await stored('a')).toMatchObject({ value: '1', accountId, deviceId, _type: 'Store', updated: T1 });
    expect(acks()).toEqual([{ seq: 17, keys: ['s#a', 's#b'], updated: expect.any(String) }]);
  });

  it('of many items is acknowledged in messages that agents in the field can read', async () => {
    const keys = Array.from({ length: 300 }, (_, index) => `a-rather-long-name-of-a-value/${index}`);
    await up(
      keys.map((key) => change(key, '1', T1, 'create')),
      5,
    );
    const sent = acks() as { seq: number; keys: string[] }[];
    expect(sent.flatMap((ack) => ack.keys)).toEqual(keys.map((key) => `s#${key}`));
    for (const ack of sent) {
      expect(ack.seq).toBe(5);
      expect(JSON.stringify(ack).length).toBeLessThan(4000);
    }
  });

  it('loses only what has no key in Unicode, rather than being sent again for ever', async () => {
    await up([change('\ud800', '1', T1), change('\ud801', '2', T1), change('whole', '3', T1)], 6);
    expect(await stored('whole')).toMatchObject({ value: '3' });
    expect(acks()).toEqual([expect.objectContaining({ seq: 6 })]);
  });

  it.each(['9999-12-31T23:59:59.999Z', '+275760-09-13T00:00:00.000Z'])(
    'from a clock that says %s is dated by the cloud, and does not outlast what the owner changes',
    async (ahead) => {
      await up([change('a', '1', ahead)]);
      const key = { key: 'a', deviceId };
      const edited = await world.devices.items.update('Store', { ...key, value: 'owner' }, accountId);
      expect(await stored('a')).toMatchObject({ value: 'owner', updated: edited.updated });
      await world.devices.items.remove('Store', key, accountId);
      expect(await stored('a')).toBeUndefined();
    },
  );

  it('of nothing is acknowledged too', async () => {
    await up([], 9);
    expect(acks()).toEqual([{ seq: 9, keys: [], updated: expect.any(String) }]);
  });

  it('applied twice, or late, changes nothing; the newest wins', async () => {
    await up([change('a', '1', T1)]);
    await up([change('a', '2', T2)]);
    await up([change('a', '1', T1)]);
    await up([change('a', '2', T2)]);
    expect(await stored('a')).toMatchObject({ value: '2', updated: T2 });
    expect(acks()).toHaveLength(4);
  });

  it('that is older than what the cloud holds is acknowledged, and the newer item goes down', async () => {
    await up([change('a', '1', T1)]);
    const newer = await world.devices.items.update(
      'Store',
      { deviceId, key: 'a', value: 'cloud' },
      accountId,
    );
    await up([change('a', 'device', T1)]);
    expect(await stored('a')).toMatchObject({ value: 'cloud' });
    expect(acks().at(-1)).toMatchObject({ keys: ['s#a'] });
    const [sent] = world.endpoint.bodies('/sync/MODIFY');
    expect(sent).toMatchObject({ _type: 'Store', sk: 's#a', value: 'cloud', updated: newer.updated });
    expect(sent).not.toHaveProperty('pk');
  });

  it('with several changes of one item leaves the last of them', async () => {
    await up([change('a', '1', T1), change('a', '2', T2), change('a', '3', T3)]);
    expect(await stored('a')).toMatchObject({ value: '3' });
  });

  it('does not bring back what was removed', async () => {
    await up([change('a', '1', T1)]);
    await up([change('a', '', T2, 'remove')]);
    expect(await stored('a')).toBeUndefined();
    await up([change('a', '1', T1)]);
    expect(await stored('a')).toBeUndefined();
    expect(world.endpoint.bodies('/sync/REMOVE')).toMatchObject([{ _type: 'Store', sk: 's#a', updated: T2 }]);
    await up([change('a', '4', T3)]);
    expect(await stored('a')).toMatchObject({ value: '4' });
  });

  it('leaves the mark of a removed item for a quarter of a year', async () => {
    await up([change('a', '1', T1), change('b', '1', T1)]);
    await up([change('a', '', T2, 'remove')]);
    const marks = async () =>
      (await world.store.query(`gone#s#${accountId}#${deviceId}`)).items.map(({ sk }) => sk);
    world.clock.jumpTo(world.clock.now() + 91 * 86_400_000);
    expect(await marks()).toEqual(['s#a']);
    await up([change('b', '', T3, 'remove')]);
    expect(await marks()).toEqual(['s#b']);
  });

  it('of two at once for one item ends in the newer', async () => {
    const values = Array.from({ length: 20 }, (_, index) => index);
    const time = (index: number) => new Date(Date.parse(T1) + index).toISOString();
    await Promise.all(values.map((index) => up([change('a', String(index), time(index))])));
    await Promise.all(values.reverse().map((index) => up([change('a', String(index), time(index))])));
    expect(await stored('a')).toMatchObject({ value: '19' });
  });

  it('cannot put items elsewhere, whatever it says', async () => {
    const other = await world.account('Other');
    const foreign = await world.ownedDevice(other);
    await up([
      change('a', '1', T1, 'create', { pk: `s#${other}#${foreign.id}`, deviceId: foreign.id }),
      change('b', '1', T1, 'create', { accountId: other }),
      {
        cmd: 'create',
        key: 'x',
        item: { _type: 'Command', sk: 'command#x', id: '1', command: 'reboot', updated: T1 },
      },
      { cmd: 'create', key: 'y', item: { _type: 'Nothing', updated: T1 } },
      { cmd: 'create', key: 'z', item: { _type: 'Store', updated: T1 } },
    ]);
    expect(await stored('a')).toMatchObject({ accountId, deviceId, value: '1' });
    expect(await stored('b')).toBeUndefined();
    expect((await world.store.query(`s#${other}#${foreign.id}`)).items).toEqual([]);
    expect((await world.store.query('command#')).items).toEqual([]);
    expect(acks()[0]?.keys).toEqual(['s#a', 's#b', 'x', 'y', 'z']);
  });

  it('with a key that no store can hold loses that change only', async () => {
    const long = '€'.repeat(900);
    await up([change(long, '1', T1), change('nul\0', '1', T1), change('a', '1', T1)]);
    expect(await stored('a')).toMatchObject({ value: '1' });
    expect(acks()[0]?.keys).toHaveLength(3);
    await receive(serviceTopic.request(deviceId, 'store/get', '1'), { key: long });
    expect(world.endpoint.sent.at(-1)?.body).toBe('');
  });

  it('of many changes is acknowledged in messages that agents in the field can read', async () => {
    const keys = Array.from({ length: 300 }, (_, index) => `a-rather-long-name-of-a-value-${index}`);
    await up(
      keys.map((key) => change(key, '1', T1)),
      5,
    );
    const sent = world.endpoint.sent.filter(({ topic }) => topic.endsWith('/sync/SYNC'));
    expect(sent.length).toBeGreaterThan(1);
    for (const { body } of sent) expect(body.length).toBeLessThan(4000);
    expect(acks().flatMap((ack) => ack.keys)).toEqual(keys.map((key) => `s#${key}`));
    expect(new Set(acks().map(({ seq }) => seq))).toEqual(new Set([5]));
    await up([], 6);
    expect(acks().at(-1)).toMatchObject({ seq: 6, keys: [] });
  });

  it('is read as old agents print it', async () => {
    const item =
      '{"_type":"Store","sk":"s#n","key":"n","value":"e+00","type":"number","count":e+00,"updated":"'.concat(
        T1,
        '"}',
      );
    await receive(
      serviceTopic.syncUp(deviceId),
      `{"seq":5,"changes":[{"cmd":"upsert","key":"s#n","item":${item}}]}`,
    );
    expect(await stored('n')).toMatchObject({ value: '0', type: 'number' });
  });
});

describe('the Device item', () => {
  const report = (fields: object, updated: string) => ({
    cmd: 'update',
    key: `d#${deviceId}`,
    item: { _type: 'Device', sk: `d#${deviceId}`, id: deviceId, updated, ...fields },
  });
  const device = () => world.devices.directory.get(accountId, deviceId);

  it('takes from the device what is the device’s, and nothing else', async () => {
    const before = await device();
    const said = {
      connection: 'online',
      created: T1,
      model: 'L-2',
      state: { on: true },
      name: 'Hall',
      edited: ['model'],
      x: 1,
    };
    await up([report(said, T1), report({ id: '0000000000', accountId, model: 'L-3' }, T2)]);
    expect(await device()).toEqual({
      ...before,
      ...{ model: 'L-3', state: { on: true }, name: 'Hall', reported: T2, updated: expect.any(String) },
    });
    expect(acks()[0]?.keys).toEqual([`d#${deviceId}`]);
  });

  it('keeps what its owner edited', async () => {
    await world.devices.directory.edit(accountId, deviceId, { name: 'Kitchen' });
    await up([report({ name: 'Factory name', description: 'from the device' }, T2)]);
    expect(await device()).toMatchObject({ name: 'Kitchen', description: 'from the device' });
    await world.devices.directory.edit(accountId, deviceId, { name: null });
    await up([report({ name: 'Factory name' }, T3)]);
    expect(await device()).toMatchObject({ name: 'Factory name' });
  });

  it('does not go back when an old word comes late, and stays when the device removes it', async () => {
    await up([report({ model: 'new' }, T2)]);
    await up([report({ model: 'old' }, T1), { ...report({}, T3), cmd: 'remove' }]);
    expect(await device()).toMatchObject({ model: 'new' });
  });

  it('sent twice with consecutive numbers is acknowledged twice', async () => {
    await up([report({ model: 'L' }, T1)], 8);
    await up([report({ model: 'L' }, T1)], 9);
    expect(acks().map(({ seq }) => seq)).toEqual([8, 9]);
  });
});

describe('a Command', () => {
  const command = (more: object = {}) =>
    world.devices.items.create('Command', { deviceId, command: 'beep', ...more }, accountId);
  const pending = async () => (await world.store.query('command#')).items.length;

  it('reaches a connected device at once, and is gone once it is delivered', async () => {
    await command({ args: { times: 2 } });
    await until('no pending command', async () => (await pending()) === 0);
    expect(world.endpoint.bodies('/sync/INSERT')).toMatchObject([
      { _type: 'Command', command: 'beep', args: { times: 2 } },
    ]);
    await down();
    expect(world.endpoint.bodies('/sync/UPSERT')).toEqual([]);
    expect(world.endpoint.bodies('/sync/REMOVE')).toEqual([]);
  });

  it('waits for a device that is off, and goes down once when it asks', async () => {
    world.endpoint.online.clear();
    await command();
    expect(world.endpoint.sent).toEqual([]);
    world.endpoint.online.add(deviceId);
    world.endpoint.outcome = 'never';
    await ask(T3);
    await ask(T3);
    await until('sent', () => world.endpoint.sent.length > 0);
    expect(world.endpoint.bodies('/sync/UPSERT')).toHaveLength(1);
    expect(await pending()).toBe(1);
  });

  it('whose delivery fails goes down again', async () => {
    world.endpoint.outcome = 'dropped';
    await command();
    await until('sent once', () => world.endpoint.sent.length > 0);
    world.endpoint.outcome = 'acknowledged';
    await down();
    await until('no pending command', async () => (await pending()) === 0);
  });

  it('that has expired is not sent', async () => {
    world.endpoint.online.clear();
    await command({ expires: new Date(world.clock.now() + 1000).toISOString() });
    await world.clock.advance(2000);
    world.endpoint.online.add(deviceId);
    await down();
    expect(world.endpoint.bodies('/sync/UPSERT')).toEqual([]);
    await until('no pending command', async () => (await pending()) === 0);
  });

  it('of one device, or of another account’s, goes to no other', async () => {
    const other = await world.account('Other');
    const foreign = await world.ownedDevice(other);
    const refused = expect.objectContaining({ code: 'DEVICE_UNKNOWN', status: 404 });
    const create = world.devices.items.create('Command', { deviceId: foreign.id, command: 'x' }, accountId);
    await expect(create).rejects.toEqual(refused);
    const disguised = { deviceId, accountId: other, command: 'x' };
    const item = await world.devices.items.create('Command', disguised, accountId);
    expect(item).toMatchObject({ accountId, sk: expect.stringContaining(`command#${accountId}#`) });
  });
});

describe('a sync down', () => {
  it('brings what changed strictly later, broadcasts to all devices included, and then its end', async () => {
    world.endpoint.online.clear();
    await world.devices.items.create('Broadcast', { key: 'motd', value: 'hello' }, accountId);
    await world.devices.items.create('Broadcast', { key: 'own', value: 'you', deviceId }, accountId);
    await world.devices.items.create(
      'Broadcast',
      { key: 'foreign', value: 'no' },
      await world.account('Other'),
    );
    world.endpoint.online.add(deviceId);
    world.endpoint.sent.length = 0;
    await down();
    expect(
      world.endpoint
        .bodies('/sync/UPSERT')
        .map(({ key }) => key)
        .sort(),
    ).toEqual(['motd', 'own']);
    expect(world.endpoint.sent.at(-1)?.topic).toBe(deviceTopic.sync(deviceId, 'SYNCDOWN'));
    const end = world.endpoint.bodies('/sync/SYNCDOWN')[0]?.updated;
    await world.clock.advance(60_000);
    await down();
    const later = world.endpoint.bodies('/sync/SYNCDOWN')[1]?.updated;
    expect(String(later) > String(end)).toBe(true);
    world.endpoint.sent.length = 0;
    await down(String(later));
    expect(world.endpoint.sent.map(({ topic }) => topic)).toEqual([deviceTopic.sync(deviceId, 'SYNCDOWN')]);
  });

  it('tells what was removed while the device was away', async () => {
    await world.devices.items.create('Broadcast', { key: 'motd', value: 'x', deviceId }, accountId);
    await world.devices.items.remove('Broadcast', { key: 'motd', deviceId }, accountId);
    world.endpoint.sent.length = 0;
    await down();
    expect(world.endpoint.bodies('/sync/REMOVE')).toMatchObject([
      { _type: 'Broadcast', key: 'motd', sk: 'bcast#motd' },
    ]);
  });
});

describe('a Broadcast', () => {
  it('for all devices of the account goes out on the account’s topic', async () => {
    await world.devices.items.create('Broadcast', { key: 'motd', value: 'hello' }, accountId);
    await until('sent', () => world.endpoint.sent.length === 1);
    expect(world.endpoint.sent[0]).toMatchObject({
      to: 'all',
      topic: `ioto/account/${accountId}/sync/INSERT`,
    });
    expect(world.endpoint.bodies('/sync/INSERT')[0]).not.toHaveProperty('deviceId');
  });
});

describe('store/set and store/get', () => {
  it('keep a value under the device’s own key and answer it bare', async () => {
    await receive(serviceTopic.storeSet(deviceId), { key: 'speed', value: 12, type: 'number' });
    expect(await stored('speed')).toMatchObject({ value: '12', type: 'number' });
    await receive(serviceTopic.request(deviceId, 'store/get', '3'), { key: 'speed' });
    await receive(serviceTopic.request(deviceId, 'store/get', '4'), { key: 'none' });
    const answers = world.endpoint.sent.map(({ topic, body }) => [topic, body]);
    expect(answers).toEqual([
      [deviceTopic.answer(deviceId, 'store/get', '3'), '12'],
      [deviceTopic.answer(deviceId, 'store/get', '4'), ''],
    ]);
  });

  it('answer a question that asks for it with the type, marked as that question was', async () => {
    await receive(serviceTopic.storeSet(deviceId), { key: 'speed', value: 12, type: 'number' });
    await receive(serviceTopic.request(deviceId, 'store/get', '3'), { key: 'speed', typed: 'x1' });
    await receive(serviceTopic.request(deviceId, 'store/get', '4'), { key: 'none', typed: 'x2' });
    expect(world.endpoint.bodies('/3')).toEqual([{ typed: 'x1', value: '12', type: 'number' }]);
    expect(world.endpoint.bodies('/4')).toEqual([{ typed: 'x2' }]);
  });

  it('take a removal without a date, as a device without a database sends it', async () => {
    await receive(serviceTopic.storeSet(deviceId), { key: 'speed', value: 12, type: 'number' });
    const item = { _type: 'Store', sk: 's#speed', key: 'speed' };
    await up([{ cmd: 'remove', key: 's#speed', item }], 0);
    expect(await stored('speed')).toBeUndefined();
  });
});
