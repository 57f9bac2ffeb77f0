import { coreSchema, serviceTopic } from '@ioto/protocol';
import { until } from '@ioto/testkit/until';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeviceWorld } from '../devices/device-world.fixture.ts';

const HOUR = 3_600_000;

/** A model whose items all devices of an account share, and one whose items expire. */
const schema = {
  ...coreSchema,
  models: {
    ...coreSchema.models,
    Setting: {
      pk: { type: 'string', value: 'setting#${accountId}' },
      sk: { type: 'string', value: 'setting#${name}' },
      accountId: { type: 'string' },
      name: { type: 'string', required: true },
      value: { type: 'string' },
      expires: { type: 'date', ttl: true },
    },
  },
  process: { ...coreSchema.process, Setting: { enable: true, sync: 'both' } },
};

let world: DeviceWorld;
let accountId: string;
let one: string;
let two: string;
beforeEach(async () => {
  world = await DeviceWorld.create({ schema });
  accountId = await world.account();
  one = (await world.ownedDevice(accountId)).id;
  two = (await world.ownedDevice(accountId)).id;
  for (const id of [one, two]) world.endpoint.online.add(id);
});
afterEach(() => world[Symbol.asyncDispose]());

function receive(deviceId: string, topic: string, body: unknown): Promise<void> {
  return world.receive({ deviceId, accountId }, { topic, payload: JSON.stringify(body) });
}

/** ISO time, so many milliseconds from now. */
const time = (from = 0) => new Date(world.clock.now() + from).toISOString();

function change(value: string | undefined, updated: string | undefined, more: object = {}) {
  const item = { _type: 'Setting', sk: 'setting#a', name: 'a', value, updated, ...more };
  return { cmd: value === undefined ? 'remove' : 'upsert', key: 'setting#a', item };
}
const up = (deviceId: string, ...changes: unknown[]) =>
  receive(deviceId, serviceTopic.syncUp(deviceId), { seq: 1, changes });
const items = () => world.devices.items;
const held = async () => (await items().find('Setting', { name: 'a' }, { accountId })).items[0];
const sentTo = (to: string, verb: string) =>
  world.endpoint.sent
    .filter((message) => message.to === to && message.topic.endsWith(`/sync/${verb}`))
    .map(({ body }) => JSON.parse(body) as Record<string, unknown>);
const ended = (deviceId: string) => sentTo(deviceId, 'SYNCDOWN');
async function down(deviceId: string, since = '1970-01-01T00:00:00.000Z'): Promise<string> {
  const before = ended(deviceId).length;
  await receive(deviceId, serviceTopic.syncDown(deviceId), { timestamp: since });
  await until('the end of a sync down', () => ended(deviceId).length > before);
  return String(ended(deviceId).at(-1)?.updated);
}

describe('an item that two devices share', () => {
  it('comes to the other by a sync down, also when it was written long before it arrived', async () => {
    await world.clock.advance(HOUR);
    const synced = await down(two);
    await world.clock.advance(2000);
    world.endpoint.online.clear();
    await up(one, change('an hour old', time(-HOUR)));
    world.endpoint.online.add(two);
    await down(two, synced);
    expect(sentTo(two, 'UPSERT')).toMatchObject([{ value: 'an hour old' }]);
  });

  it('and its removal too', async () => {
    await up(one, change('1', time(-2 * HOUR)));
    await world.clock.advance(HOUR);
    const synced = await down(two);
    await world.clock.advance(2000);
    await up(one, change(undefined, time(-HOUR)));
    await down(two, synced);
    expect(sentTo(two, 'REMOVE')).toMatchObject([{ _type: 'Setting', sk: 'setting#a', name: 'a' }]);
  });

  it('goes live to the others when one of them has changed it', async () => {
    await up(one, change('1', time(-1000)));
    await until('sent', () => sentTo('all', 'INSERT').length > 0);
    await up(two, change(undefined, time()));
    await until('told', () => sentTo('all', 'REMOVE').length > 0);
    expect(sentTo('all', 'INSERT')).toMatchObject([{ value: '1' }]);
  });

  it('shows nobody what the cloud keeps beside it', async () => {
    await up(one, change('1', time()));
    await up(one, change(undefined, time(1)));
    await up(one, change('2', time(2)));
    await until('sent', () => sentTo('all', 'INSERT').length > 1);
    await down(two);
    const said = world.endpoint.sent.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
    const names = new Set(said.flatMap((body) => Object.keys(body)));
    const wire = ['_type', 'sk', 'name', 'value', 'accountId', 'updated'];
    for (const name of names) expect([...wire, 'seq', 'keys']).toContain(name);
  });

  it('is removed live with a time later than the item’s, so that devices obey', async () => {
    const made = await items().create('Setting', { name: 'a', value: '1' }, accountId);
    await items().remove('Setting', { name: 'a' }, accountId);
    await until('told', () => sentTo('all', 'REMOVE').length > 0);
    const [removal] = sentTo('all', 'REMOVE');
    expect(removal).toMatchObject({ _type: 'Setting', sk: 'setting#a', name: 'a' });
    expect(String(removal?.updated) > String(made.updated)).toBe(true);
  });

  it('of the same time ends the same, whichever device’s comes first, and the loser is told', async () => {
    const updated = time(-1000);
    await up(one, change('a', updated));
    await up(two, change('b', updated));
    expect(await held()).toMatchObject({ value: 'b' });
    await up(one, change('a', updated));
    expect(await held()).toMatchObject({ value: 'b' });
    expect(sentTo(one, 'MODIFY')).toMatchObject([{ value: 'b', updated }]);
  });
});

describe('what the owner makes', () => {
  it('after a removal by a clock that is ahead is newer than that', async () => {
    await up(one, change('1', time()));
    const removal = change(undefined, time(HOUR));
    await up(one, removal);
    await items().create('Setting', { name: 'a', value: 'owner' }, accountId);
    await up(one, removal);
    expect(await held()).toMatchObject({ value: 'owner' });
  });

  it('after a change by a clock that is years ahead stays, however often that comes', async () => {
    const ahead = change('1', '2099-01-01T00:00:00.000Z');
    await up(one, ahead);
    // The device is told what time it was given.
    expect(sentTo(one, 'MODIFY')).toMatchObject([{ value: '1', updated: time() }]);
    await items().update('Setting', { name: 'a', value: 'owner' }, accountId);
    await world.clock.advance(1000);
    await up(one, ahead);
    expect(await held()).toMatchObject({ value: 'owner' });
    expect(sentTo(one, 'MODIFY').at(-1)).toMatchObject({ value: 'owner' });
    await up(one, change('2', '2099-01-01T00:00:00.001Z'));
    expect(await held()).toMatchObject({ value: '2' });
  });

  it('stays when a change without a time comes twice', async () => {
    await up(one, change('1', undefined));
    const updated = (await held())?.updated;
    expect(updated).toBe(time());
    await world.clock.advance(1000);
    await up(one, change('1', undefined));
    expect(await held()).toMatchObject({ updated });
  });
});

describe('an item whose time is over', () => {
  const soon = () => ({ expires: time(30 * 60_000) });

  it('is gone in the cloud, without a word to devices, which know of it', async () => {
    await up(one, change('1', time(), soon()));
    await items().create('Setting', { name: 'b', value: '1', ...soon() }, accountId);
    await items().create('Setting', { name: 'c', value: '1', ...soon() }, accountId);
    await items().update('Setting', { name: 'c', expires: time(2 * HOUR) }, accountId);
    await world.clock.advance(HOUR);
    await until('b is gone', async () => {
      const { items: left } = await items().find('Setting', {}, { accountId });
      return left.map(({ name }) => name).join() === 'c';
    });
    expect(sentTo('all', 'REMOVE')).toEqual([]);
    await down(two);
    expect(sentTo(two, 'REMOVE')).toEqual([]);
    await world.clock.advance(2 * HOUR);
    await until('c is gone', async () => {
      // The look at the others may have ended, and the next been arranged, only after the hours were over.
      await world.clock.advance(60_000);
      return (await items().find('Setting', {}, { accountId })).items.length === 0;
    });
  });
});

describe('a live delivery that a device had no room for', () => {
  it('is made up for while the device is there', async () => {
    await down(one);
    await world.clock.advance(60_000);
    world.endpoint.outcome = 'dropped';
    await items().create('Broadcast', { key: 'motd', value: 'x', deviceId: one }, accountId);
    await until('tried', () => sentTo(one, 'INSERT').length > 0);
    world.endpoint.outcome = 'acknowledged';
    await world.clock.advance(60_000);
    await until('sent again', () => sentTo(one, 'UPSERT').length > 0);
    expect(sentTo(one, 'UPSERT')).toMatchObject([{ key: 'motd' }]);
    expect(ended(one)).toHaveLength(1);
  });
});

describe('the times at which items arrive', () => {
  it('go on when the cloud comes back with a clock that was set back', async () => {
    await up(one, change('1', time()));
    const synced = await down(two);
    await world.clock.advance(5000);
    await up(one, change('2', time(1)));
    world.clock.jumpTo(world.clock.now() - HOUR);
    await world.restart();
    await up(one, change('3', time(2 * HOUR)));
    world.endpoint.sent.length = 0;
    await down(two, synced);
    expect(sentTo(two, 'UPSERT')).toMatchObject([{ value: '3' }]);
  });
});
