import { shadowTopic } from '@ioto/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeviceWorld } from '../devices/device-world.fixture.ts';
import { SHADOW_QUOTAS } from './shadow-quotas.ts';

let world: DeviceWorld;
let accountId: string;
let deviceId: string;

beforeEach(async () => {
  world = await DeviceWorld.create();
  accountId = await world.account();
  deviceId = (await world.ownedDevice(accountId)).id;
  world.endpoint.isHeard = true;
});
afterEach(() => world[Symbol.asyncDispose]());

type Verb = Parameters<typeof shadowTopic.request>[2];

function send(verb: Verb, body: object | string = '', name?: string): Promise<void> {
  const payload = typeof body === 'string' ? body : JSON.stringify(body);
  return world.receive(
    { deviceId, accountId },
    { topic: shadowTopic.request(deviceId, name, verb), payload },
  );
}

/** What was told on topics that end so, of the classic shadow or a named one. */
const told = (end: string) => world.endpoint.bodies(`/${end}`);
const timestamp = () => Math.floor(world.clock.now() / 1000);

describe('a device that updates its shadow', () => {
  it('is told what was accepted, what is desired and not reported, and what was and is', async () => {
    await send('update', { state: { desired: { on: true } }, clientToken: 'a' });
    await send('update', { state: { reported: { on: false } }, clientToken: 'b' });
    const topics = world.endpoint.sent.map(({ topic }) => topic.split('/update/')[1]);
    expect(topics).toEqual(['accepted', 'delta', 'documents', 'accepted', 'delta', 'documents']);
    expect(told('update/accepted')[1]).toEqual({
      state: { reported: { on: false } },
      metadata: { reported: { on: { timestamp: timestamp() } } },
      ...{ version: 2, timestamp: timestamp(), clientToken: 'b' },
    });
    expect(told('update/delta')[1]).toMatchObject({ state: { on: true }, version: 2, clientToken: 'b' });
    expect(told('update/documents')[1]).toMatchObject({
      previous: { version: 1, state: { desired: { on: true } } },
      current: { version: 2, state: { desired: { on: true }, reported: { on: false } } },
    });
  });

  it('finds it again after a restart of the cloud, and counts on', async () => {
    await send('update', { state: { reported: { a: 1 } } });
    await world.restart();
    await send('get', { clientToken: 'g' });
    expect(told('get/accepted')).toMatchObject([
      { state: { reported: { a: 1 } }, version: 1, clientToken: 'g' },
    ]);
    await send('update', { state: { reported: { a: 2 } } });
    expect(told('update/accepted')[1]).toMatchObject({ version: 2 });
  });

  it('has named ones beside it, each for itself', async () => {
    await send('update', { state: { desired: { a: 1 } } }, 'one');
    await send('get');
    await send('get', '', 'one');
    expect(world.endpoint.sent.slice(3).map(({ topic }) => topic)).toEqual([
      shadowTopic.news(deviceId, undefined, 'get', 'rejected'),
      shadowTopic.news(deviceId, 'one', 'get', 'accepted'),
    ]);
    expect(told('get/accepted')).toMatchObject([{ state: { desired: { a: 1 }, delta: { a: 1 } } }]);
  });

  it('removes it, and the next of its name goes on from its version', async () => {
    for (const name of [undefined, 'one']) {
      await send('update', { state: { reported: { a: 1 } } }, name);
      await send('delete', { clientToken: 'd' }, name);
      await send('get', '', name);
      await send('update', { state: { reported: { b: 1 } }, version: 1 }, name);
    }
    expect(told('delete/accepted')).toEqual(
      Array.from({ length: 2 }, () => ({ version: 1, timestamp: timestamp(), clientToken: 'd' })),
    );
    expect(told('get/rejected').map(({ message }) => message)).toEqual([
      `No shadow exists with name: '${deviceId}'`,
      `No shadow exists with name: '${deviceId}~one'`,
    ]);
    expect(told('update/accepted')[1]).toMatchObject({ version: 2 });
    expect(told('update/documents')[1]).toMatchObject({ current: { state: { reported: { b: 1 } } } });
  });

  it('makes nothing that nobody hears', async () => {
    world.endpoint.isHeard = false;
    await send('update', { state: { desired: { a: 1 } } });
    expect(world.endpoint.sent).toEqual([]);
  });

  it('that sends many at once gets a version for each that is accepted, in order', async () => {
    const tokens = Array.from({ length: 15 }, (_, index) => String(index));
    await Promise.all(
      tokens.map((clientToken) => send('update', { state: { reported: { a: 1 } }, clientToken })),
    );
    expect(told('update/accepted').map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(told('update/rejected')).toEqual(
      tokens.slice(10).map((clientToken) => ({
        ...{ code: 429, message: 'Too many requests', timestamp: timestamp(), clientToken },
      })),
    );
    await send('update', { state: {} });
    expect(told('update/accepted')).toHaveLength(11);
  });
});

describe('a request that is refused', () => {
  it.each<[number, string, Verb, object | string, string?]>([
    [400, 'Invalid JSON', 'update', '{'],
    [400, 'Missing required node: state', 'update', {}],
    [400, 'Invalid clientToken', 'get', { clientToken: 7 }],
    [400, 'Invalid shadow name', 'get', '', 'a b'],
    [409, 'Version conflict', 'update', { state: {}, version: 7 }],
    [
      413,
      'The payload exceeds the maximum size allowed',
      'update',
      { state: { desired: { a: 'x'.repeat(9000) } } },
    ],
  ])('is told so: %s %s', async (code, message, verb, body, name) => {
    await send(verb, body, name);
    expect(world.endpoint.sent).toHaveLength(1);
    expect(told(`${verb}/rejected`)).toEqual([{ code, message, timestamp: timestamp() }]);
  });

  it('because the store fails is told no more than that, with its token', async () => {
    await world.store.stop();
    await send('update', { state: {}, clientToken: 't' });
    expect(told('update/rejected')).toMatchObject([
      { code: 500, message: 'Internal service failure', clientToken: 't' },
    ]);
    await world.store.start();
  });

  it('is nothing that the cloud itself says', async () => {
    await world.receive(
      { deviceId, accountId },
      { topic: `$aws/things/${deviceId}/shadow/update/delta`, payload: '{}' },
    );
    expect(world.endpoint.sent).toEqual([]);
  });
});

describe('a device with as many named shadows as it may have', () => {
  const usual = { ...SHADOW_QUOTAS };
  afterEach(() => void Object.assign(SHADOW_QUOTAS, usual));

  it('is refused one more until it removes one', async () => {
    Object.assign(SHADOW_QUOTAS, { named: 2 });
    for (const name of ['a', 'b', 'c', 'a']) await send('update', { state: {} }, name);
    expect(told('update/rejected')).toMatchObject([
      { code: 403, message: expect.stringContaining('2 named') },
    ]);
    await send('delete', '', 'a');
    await send('update', { state: {} }, 'c');
    expect(told('update/accepted')).toHaveLength(4);
  });

  it('leaves no more marks of removed ones than it may, until they are over', async () => {
    Object.assign(SHADOW_QUOTAS, { gone: 1, keptWhenGone: 10 });
    const life = async (name: string) => {
      await send('update', { state: {} }, name);
      await send('delete', '', name);
    };
    const marks = async () =>
      (await world.store.query(`shadow#${accountId}#${deviceId}`, { begins: 'n#' })).items.length;
    await life('a');
    await life('b');
    expect(await marks()).toBe(1);
    await world.clock.advance(11_000);
    await life('c');
    expect(await marks()).toBe(2);
  });
});

describe('an account with as much of shadows as it may have', () => {
  const usual = { ...SHADOW_QUOTAS };
  afterEach(() => void Object.assign(SHADOW_QUOTAS, usual));
  const bytes = async () => (await world.store.get(`shadowbytes#${accountId}`, '#count'))?.bytes;
  const long = (count: number) => ({ state: { reported: { a: 'x'.repeat(count) } } });

  it('is refused what makes them larger, and has what it removes again', async () => {
    Object.assign(SHADOW_QUOTAS, { bytes: 2500 });
    await send('update', long(1500), 'one');
    const first = Number(await bytes());
    expect(first).toBeGreaterThan(1500);
    await send('update', long(1500), 'two');
    await send('update', long(2500));
    expect(told('update/rejected')).toMatchObject([
      { code: 403, message: expect.stringContaining('of shadows') },
      { code: 403 },
    ]);
    expect(await bytes()).toBe(first);
    // Smaller goes always.
    await send('update', long(1000), 'one');
    expect(await bytes()).toBe(first - 500);
    const other = (await world.ownedDevice(accountId)).id;
    const message = { topic: shadowTopic.request(other, undefined, 'update'), payload: '{"state":{}}' };
    await world.receive({ deviceId: other, accountId }, message);
    expect(await bytes()).toBeGreaterThan(first - 500);
    await send('delete', '', 'one');
    await send('update', long(1500), 'two');
    expect(told('update/accepted')).toHaveLength(4);
  });

  it('has none of what it released, and puts aside no more than that in a year', async () => {
    Object.assign(SHADOW_QUOTAS, { bytes: 2500 });
    const aside = async (id: string) =>
      (await world.store.query(`archive#shadow#${accountId}#${id}`)).items.map(({ sk }) => sk);
    const life = async (name: string) => {
      deviceId = (await world.ownedDevice(accountId)).id;
      await send('update', long(1500), name);
      await world.devices.releases.release({ deviceId, accountId, actor: 'user:U' });
      expect(await bytes()).toBe(0);
      return deviceId;
    };
    const [one, two] = [await life('one'), await life('two')];
    expect([await aside(one), await aside(two)]).toEqual([['n#one'], []]);
    world.clock.jumpTo(world.clock.now() + 366 * 86_400_000);
    const three = await life('three');
    expect(await aside(three)).toEqual(['n#three']);
    // The first has been kept for its year.
    await world.clock.advance(60_000);
    await expect.poll(() => aside(one)).toEqual([]);
    expect(await aside(three)).toEqual(['n#three']);
  });
});

describe('a device that changes hands', () => {
  const release = () => world.devices.releases.release({ deviceId, accountId, actor: 'user:U' });

  it('begins without shadows, and they are kept for the account that it leaves', async () => {
    await send('update', { state: { reported: { secret: 1 } } });
    await send('update', { state: { reported: { secret: 2 } } }, 'one');
    await release();
    const kept = await world.store.query(`archive#shadow#${accountId}#${deviceId}`);
    expect(kept.items.map(({ sk, version }) => [sk, version])).toEqual([
      ['c', 1],
      ['n#one', 1],
    ]);
    expect((await world.store.query(`shadow#${accountId}#${deviceId}`)).items).toEqual([]);
  });

  it('is told no more of what was on its way', async () => {
    await release();
    world.endpoint.sent.length = 0;
    await send('update', { state: { reported: { a: 1 } }, clientToken: 't' });
    await send('delete');
    expect(told('update/rejected')).toMatchObject([{ code: 401, message: 'Unauthorized', clientToken: 't' }]);
    expect(told('delete/rejected')).toMatchObject([{ code: 401 }]);
    expect((await world.store.query(`shadow#${accountId}#${deviceId}`)).items).toEqual([]);
  });
});
