import { serviceTopic } from '@ioto/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeviceWorld } from '../../devices/device-world.fixture.ts';

let world: DeviceWorld;
let identity: { accountId: string; deviceId: string };
beforeEach(async () => {
  world = await DeviceWorld.create();
  const accountId = await world.account();
  identity = { accountId, deviceId: (await world.ownedDevice(accountId)).id };
});
afterEach(() => world[Symbol.asyncDispose]());

function up(...changes: unknown[]): Promise<void> {
  const payload = JSON.stringify({ seq: 1, changes });
  return world.receive(identity, { topic: serviceTopic.syncUp(identity.deviceId), payload });
}

describe('a device that sends what nobody can take', () => {
  it('does not fill the log', async () => {
    await up(...Array(5000).fill({ cmd: 'upsert' }));
    await up(...Array(5000).fill({ cmd: 'upsert' }));
    await world.clock.advance(60_000);
    expect(world.logged.filter((line) => line.includes('it has no item'))).toEqual([
      expect.not.stringContaining('count'),
      expect.stringContaining('"count":9999'),
    ]);
  });
});

describe('an item with an end that its device puts off again and again', () => {
  const ends = async () => (await world.store.query('expiry#')).items;
  const end = (minutes: number) => new Date(world.clock.now() + minutes * 60_000).toISOString();
  const change = (cmd: string, more: object) => {
    const updated = new Date(world.clock.now()).toISOString();
    return {
      cmd,
      key: 's#a',
      item: { _type: 'Store', key: 'a', value: '1', type: 'string', updated, ...more },
    };
  };

  it('is listed once to be removed, and no more once it is gone', async () => {
    for (let n = 1; n < 5; n += 1) {
      await world.clock.advance(1000);
      await up(change('upsert', { expires: end(n) }));
    }
    expect(await ends()).toMatchObject([{ sk: expect.stringContaining(end(4)) }]);
    await world.clock.advance(1000);
    await up(change('remove', {}));
    expect(await ends()).toEqual([]);
  });
});
