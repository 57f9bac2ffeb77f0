import { until } from '@ioto/testkit/until';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DevicePrincipal } from '../ports/device-endpoint.ts';
import { everyRight } from '../ports/every-right.fixture.ts';
import { DeviceWorld } from './device-world.fixture.ts';
import { OFFLINE_AFTER } from './presence.ts';

let world: DeviceWorld;
let principal: DevicePrincipal;
beforeEach(async () => {
  world = await DeviceWorld.create();
  const accountId = await world.account();
  const device = await world.ownedDevice(accountId);
  await world.provision(device);
  const [certificate] = await world.devices.directory.certificates(device.id);
  principal = {
    kind: 'device',
    deviceId: device.id,
    accountId,
    generation: 1,
    serial: certificate?.serial ?? '',
    dialect: 'current',
    rights: everyRight,
  };
});
afterEach(() => world[Symbol.asyncDispose]());

const connection = async () =>
  (await world.devices.directory.get(principal.accountId, principal.deviceId)).connection;
const is = (state: string) => until(state, async () => (await connection()) === state);

describe('a device', () => {
  it('is online at once, and offline ninety seconds after it went', async () => {
    const { gate } = world.devices;
    await gate.connected(principal);
    await is('online');
    await gate.disconnected(principal, { reason: 'CONNECTION_LOST', detail: 'the stream closed' });
    await world.clock.advance(OFFLINE_AFTER - 1);
    expect(await connection()).toBe('online');
    await world.clock.advance(1);
    await is('offline');
  });

  it('that reconnects every minute stays online', async () => {
    const { gate } = world.devices;
    for (let minute = 0; minute < 5; minute += 1) {
      const again = { ...principal };
      await gate.connected(again);
      await world.clock.advance(1000);
      await gate.disconnected(again, { reason: 'CONNECTION_LOST', detail: 'the stream closed' });
      await world.clock.advance(60_000);
    }
    expect(await connection()).toBe('online');
  });

  it('is not gone when the connection that it replaced ends', async () => {
    const { gate } = world.devices;
    const [first, second] = [{ ...principal }, { ...principal }];
    await gate.connected(first);
    await gate.connected(second);
    await gate.disconnected(first, { reason: 'DUPLICATE_CLIENTID', detail: 'another connection came' });
    await world.clock.advance(2 * OFFLINE_AFTER);
    expect(await connection()).toBe('online');
  });

  it('that does not come back after a restart of the cloud turns offline', async () => {
    await world.devices.gate.connected(principal);
    await world.restart();
    expect(await connection()).toBe('online');
    await world.clock.advance(OFFLINE_AFTER);
    await is('offline');
  });

  it('that is offline already leaves the list of those online', async () => {
    const since = new Date(world.clock.now()).toISOString();
    const { accountId, deviceId } = principal;
    await world.store.write([{ put: { pk: 'presence#', sk: deviceId, accountId, since } }]);
    await world.restart();
    await world.clock.advance(OFFLINE_AFTER);
    await until('removed', async () => (await world.store.get('presence#', deviceId)) === undefined);
    expect(await connection()).toBe('offline');
  });
});
