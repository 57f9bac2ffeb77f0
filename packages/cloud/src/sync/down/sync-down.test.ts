import { deviceTopic, serviceTopic } from '@ioto/protocol';
import { until } from '@ioto/testkit/until';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeviceWorld } from '../../devices/device-world.fixture.ts';
import type { Delivery } from '../../ports/device-endpoint.ts';

/** Messages that the session below takes; the real one takes more, and has a limit all the same. */
const QUEUE_LIMIT = 100;
const BEGINNING = '1970-01-01T00:00:00.000Z';

let world: DeviceWorld;
let accountId: string;
let deviceId: string;
/** What the device has not acknowledged. */
let waiting: ((outcome: Delivery) => void)[];
/** True while the device acknowledges what it is sent. */
let reading: boolean;

beforeEach(async () => {
  world = await DeviceWorld.create();
  accountId = await world.account();
  deviceId = (await world.ownedDevice(accountId)).id;
  waiting = [];
  reading = false;
});
afterEach(() => world[Symbol.asyncDispose]());

/** The device comes, with a session that drops what it has no room for. */
function connect(): void {
  const { endpoint } = world;
  endpoint.online.add(deviceId);
  endpoint.deliver = async (to, topic, body) => {
    if (waiting.length >= QUEUE_LIMIT) return 'dropped';
    endpoint.sent.push({ to, topic, body });
    if (reading) {
      await new Promise(setImmediate);
      return 'acknowledged';
    }
    return new Promise((resolve) => waiting.push(resolve));
  };
}

function read(outcome: Delivery = 'acknowledged'): void {
  reading = outcome === 'acknowledged';
  for (const settle of waiting.splice(0)) settle(outcome);
}

const ask = (timestamp = BEGINNING) =>
  world.receive(
    { deviceId, accountId },
    { topic: serviceTopic.syncDown(deviceId), payload: JSON.stringify({ timestamp }) },
  );
const broadcast = (key: string, value = 'x') =>
  world.devices.items.create('Broadcast', { key, value, deviceId }, accountId);
async function broadcasts(count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await broadcast(`key-${index}`);
}
const upserts = () => world.endpoint.bodies('/sync/UPSERT');
const ends = () => world.endpoint.bodies('/sync/SYNCDOWN');
/** Long enough for everything that the cloud does by itself. */
async function idle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
}

describe('a sync down', () => {
  it('of more than a session may queue goes at the pace of the device, whole, and then ends', async () => {
    await broadcasts(QUEUE_LIMIT * 2 + 50);
    connect();
    await ask();
    await until('a window is under way', () => waiting.length >= 64);
    await idle();
    expect(waiting).toHaveLength(64);
    expect(ends()).toEqual([]);
    read();
    await until('its end', () => ends().length > 0);
    expect(new Set(upserts().map(({ key }) => key)).size).toBe(QUEUE_LIMIT * 2 + 50);
    expect(world.endpoint.sent.at(-1)?.topic).toBe(deviceTopic.sync(deviceId, 'SYNCDOWN'));
  });

  it('has no more bytes under way than a session may queue', async () => {
    for (let index = 0; index < 30; index += 1) await broadcast(`key-${index}`, 'x'.repeat(60_000));
    connect();
    await ask();
    await until('a window is under way', () => waiting.length > 0);
    await idle();
    expect(waiting.length).toBeLessThan(20);
    read();
    await until('its end', () => ends().length > 0);
    expect(upserts()).toHaveLength(30);
  });

  it.each(['dropped', 'timeout', 'offline', 'unsubscribed'] as const)(
    'does not end when an item was %s; the device asks again and gets it',
    async (outcome) => {
      await broadcasts(3);
      connect();
      await ask();
      await until('all are under way', () => waiting.length === 3);
      waiting.pop()?.(outcome);
      read();
      await idle();
      expect(ends()).toEqual([]);
      world.endpoint.sent.length = 0;
      await ask();
      await until('its end', () => ends().length > 0);
      expect(upserts()).toHaveLength(3);
    },
  );

  it('brings a change whose live delivery was dropped', async () => {
    connect();
    reading = true;
    await ask();
    await until('its end', () => ends().length > 0);
    const lastSync = String(ends()[0]?.updated);
    reading = false;
    waiting = Array.from({ length: QUEUE_LIMIT }, () => () => undefined);
    await world.clock.advance(60_000);
    await broadcast('late');
    await idle();
    expect(world.endpoint.bodies('/sync/INSERT')).toEqual([]);
    read();
    await ask(lastSync);
    await until('its end', () => ends().length > 1);
    expect(upserts()).toMatchObject([{ key: 'late' }]);
  });

  it('asked for again meanwhile is not sent twice, but followed by what changed since it began', async () => {
    await broadcasts(3);
    await world.clock.advance(60_000);
    connect();
    await ask();
    await until('all are under way', () => waiting.length === 3);
    world.endpoint.online.clear();
    await world.clock.advance(60_000);
    await broadcast('meanwhile');
    world.endpoint.online.add(deviceId);
    await ask();
    await idle();
    expect(upserts()).toHaveLength(3);
    read();
    await until('the end of both', () => ends().length === 2);
    expect(upserts()).toHaveLength(4);
    expect(upserts().at(-1)).toMatchObject({ key: 'meanwhile' });
  });

  it('does not end for a device that meanwhile asks from earlier on: that comes first', async () => {
    await broadcasts(2);
    const later = new Date(world.clock.now() - 1).toISOString();
    connect();
    await ask(later);
    await until('all are under way', () => waiting.length === 2);
    await ask();
    read();
    await until('its end', () => ends().length > 0);
    await idle();
    expect(ends()).toHaveLength(1);
    expect(upserts()).toHaveLength(4);
  });

  it('does not bring back what was removed while it waited for the device', async () => {
    await broadcasts(80);
    connect();
    await ask();
    await until('a window is under way', () => waiting.length === 64);
    const sent = new Set(upserts().map(({ key }) => key));
    const left = Array.from({ length: 80 }, (_, index) => `key-${index}`).find((key) => !sent.has(key));
    await world.devices.items.remove('Broadcast', { key: left, deviceId }, accountId);
    read();
    await until('its end', () => ends().length > 0);
    expect(upserts().filter(({ key }) => key === left)).toEqual([]);
  });
});
