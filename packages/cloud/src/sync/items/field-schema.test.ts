import { serviceTopic } from '@ioto/protocol';
import { until } from '@ioto/testkit/until';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeviceWorld } from '../../devices/device-world.fixture.ts';

/** A product's models, with keys as the field has them: the same on every device. */
const schema = {
  models: {
    Service: {
      pk: { type: 'string', value: 'service#' },
      sk: { type: 'string', value: 'service#' },
      mode: { type: 'string' },
      serial: { type: 'string', readonly: true },
      pin: { type: 'string', sync: 'none' },
    },
    Port: {
      sk: { type: 'string', value: 'port#${deviceId}#${id}' },
      deviceId: { type: 'string' },
      id: { type: 'string', required: true },
      on: { type: 'boolean' },
    },
  },
  process: { Service: { enable: 'both', sync: 'both' }, Port: { enable: 'both', sync: 'up' } },
};

interface Owned {
  accountId: string;
  deviceId: string;
}

let world: DeviceWorld;
let one: Owned;
let two: Owned;
let theirs: Owned;

async function begin(definition?: Readonly<Record<string, unknown>>): Promise<void> {
  world = await DeviceWorld.create({ schema: definition });
  const accountId = await world.account();
  const other = await world.account('Other');
  const owned = async (account: string): Promise<Owned> => {
    const { id: deviceId } = await world.ownedDevice(account);
    world.endpoint.online.add(deviceId);
    return { accountId: account, deviceId };
  };
  one = await owned(accountId);
  two = await owned(accountId);
  theirs = await owned(other);
}
afterEach(() => world[Symbol.asyncDispose]());

function receive({ accountId, deviceId }: Owned, topic: string, body: unknown): Promise<void> {
  return world.receive({ deviceId, accountId }, { topic, payload: JSON.stringify(body) });
}

const time = (from = 0) => new Date(world.clock.now() + from).toISOString();
const service = (mode: string, updated = time(), more: object = {}) => {
  return {
    cmd: 'upsert',
    key: 'service#',
    item: { _type: 'Service', sk: 'service#', mode, updated, ...more },
  };
};
const up = (from: Owned, ...changes: unknown[]) =>
  receive(from, serviceTopic.syncUp(from.deviceId), { seq: 1, changes });
const get = ({ accountId, deviceId }: Owned) => world.devices.items.get('Service', { deviceId }, accountId);
const sentTo = ({ deviceId }: Owned, verb: string) =>
  world.endpoint.sent
    .filter(({ to, topic }) => to === deviceId && topic.endsWith(`/sync/${verb}`))
    .map(({ body }) => JSON.parse(body) as Record<string, unknown>);
async function down(of: Owned): Promise<void> {
  await receive(of, serviceTopic.syncDown(of.deviceId), { timestamp: new Date(0).toISOString() });
  await until('the end of a sync down', () => sentTo(of, 'SYNCDOWN').length > 0);
}

describe('a model whose key is the same on every device', () => {
  beforeEach(() => begin(schema));

  it('has an item for each device, and none is shown another’s', async () => {
    await up(theirs, service('theirs', time(1000)));
    await up(one, service('one'));
    await up(two, service('two', time(-1000)));
    expect(await get(one)).toMatchObject({ mode: 'one', ...one });
    expect(await get(two)).toMatchObject({ mode: 'two' });
    expect(await get(theirs)).toMatchObject({ mode: 'theirs' });
    for (const owned of [one, two, theirs]) expect(sentTo(owned, 'MODIFY')).toEqual([]);
    await down(two);
    expect(sentTo(two, 'UPSERT')).toMatchObject([{ mode: 'two', sk: 'service#' }]);
    expect(sentTo(two, 'UPSERT')[0]).not.toHaveProperty('pk');
  });

  it('is edited by its owner, device by device, and goes down to that device', async () => {
    await up(one, service('one'));
    await up(two, service('two'));
    const { accountId, deviceId } = one;
    const { items } = world.devices;
    await items.update('Service', { deviceId, mode: 'owner' }, accountId);
    await until('sent', () => sentTo(one, 'MODIFY').length > 0);
    expect(sentTo(one, 'MODIFY')).toMatchObject([{ mode: 'owner' }]);
    expect(await get(two)).toMatchObject({ mode: 'two' });
    await items.remove('Service', { deviceId }, accountId);
    await until('told', () => sentTo(one, 'REMOVE').length > 0);
    expect(sentTo(two, 'REMOVE')).toEqual([]);
    const refused = expect.objectContaining({ code: 'ITEM_INVALID' });
    await expect(items.get('Service', {}, accountId)).rejects.toEqual(refused);
    await expect(items.find('Service', {}, { accountId })).rejects.toEqual(refused);
    const unknown = expect.objectContaining({ code: 'ITEM_UNKNOWN' });
    await expect(items.get('Service', { deviceId: two.deviceId }, theirs.accountId)).rejects.toEqual(unknown);
    const foreign = items.create('Service', { deviceId: theirs.deviceId, mode: 'x' }, accountId);
    await expect(foreign).rejects.toEqual(expect.objectContaining({ code: 'DEVICE_UNKNOWN' }));
  });

  it('keeps what is read only from its owner, and what never leaves a device from the cloud', async () => {
    await up(one, service('one', time(), { serial: '7', pin: '1234' }));
    const { accountId, deviceId } = one;
    expect(await get(one)).toMatchObject({ serial: '7' });
    expect(await get(one)).not.toHaveProperty('pin');
    const refused = world.devices.items.update('Service', { deviceId, serial: '8' }, accountId);
    await expect(refused).rejects.toEqual(expect.objectContaining({ code: 'ITEM_INVALID' }));
  });

  it('may name the device and not the account: the next owner does not meet the last one’s', async () => {
    const port = (on: boolean, updated: string) => {
      const item = { _type: 'Port', sk: `port#${one.deviceId}#a`, id: 'a', on, updated };
      return { cmd: 'upsert', key: item.sk, item };
    };
    await up(one, port(true, time(1000)));
    const next = { ...one, accountId: theirs.accountId };
    await up(next, port(false, time()));
    expect(sentTo(one, 'MODIFY')).toEqual([]);
    const of = ({ accountId, deviceId }: Owned) =>
      world.devices.items.get('Port', { deviceId, id: 'a' }, accountId);
    expect(await of(one)).toMatchObject({ on: true });
    expect(await of(next)).toMatchObject({ on: false });
  });
});

describe('a change of a model that the cloud does not know', () => {
  beforeEach(() => begin());

  const summary = async ({ accountId, deviceId }: Owned) =>
    (await world.store.get('quarantine#devices', `${accountId}#${deviceId}`)) as
      | Record<string, unknown>
      | undefined;
  const kept = async ({ accountId, deviceId }: Owned) =>
    (await world.store.query(`quarantine#${accountId}#${deviceId}`, { limit: 5000 })).items;

  it('is acknowledged, kept, and taken in when a schema knows the model', async () => {
    await up(one, service('first', time(1)), service('second', time(2)));
    await up(one, service('late', time(1)));
    expect(sentTo(one, 'SYNC')[0]?.keys).toEqual(['service#']);
    expect(await kept(one)).toHaveLength(1);
    await world.restart();
    expect(await kept(one)).toHaveLength(1);
    await world.restart(schema);
    expect(await get(one)).toMatchObject({ mode: 'second', ...one });
    expect(await kept(one)).toEqual([]);
  });

  it('stays aside while the schema has the model and does not sync it', async () => {
    await up(one, service('x'));
    await world.restart({ ...schema, process: { Service: { enable: 'cloud', sync: 'up' } } });
    expect(await kept(one)).toHaveLength(1);
    await world.restart(schema);
    expect(await get(one)).toMatchObject({ mode: 'x' });
  });

  it('is lost, and counted, when there are too many', async () => {
    const changes = Array.from({ length: 1003 }, (_, index) => {
      const sk = `log#${index}`;
      return { cmd: 'create', key: sk, item: { _type: 'Unknown', sk, updated: time() } };
    });
    await up(one, ...changes);
    expect(await kept(one)).toHaveLength(1000);
    expect(await summary(one)).toMatchObject({ lost: 3 });
    await up(one, changes[0], changes[1002]);
    expect(await summary(one)).toMatchObject({ lost: 4 });
    const huge = { ...service('x'.repeat(20_000)) };
    await up(two, huge);
    expect(await summary(two)).toMatchObject({ lost: 1 });
  });

  it('that comes again and again takes no more room for it', async () => {
    const ends = async () => (await world.store.query('expiry#', { limit: 5000 })).items.length;
    await up(one, service('0'));
    const before = await ends();
    for (let n = 1; n < 5; n += 1) {
      await world.clock.advance(1000);
      await up(one, service(String(n), time(n)));
    }
    expect(await kept(one)).toMatchObject([{ change: { item: { mode: '4' } } }]);
    expect(await ends()).toBe(before);
  });

  it('is kept for a month', async () => {
    await up(one, service('x'));
    world.clock.jumpTo(world.clock.now() + 29 * 86_400_000);
    await world.clock.advance(120_000);
    expect(await kept(one)).toHaveLength(1);
    world.clock.jumpTo(world.clock.now() + 2 * 86_400_000);
    await world.clock.advance(120_000);
    await until('gone', async () => (await kept(one)).length === 0);
  });
});
