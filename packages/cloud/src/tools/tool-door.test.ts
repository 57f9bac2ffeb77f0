import { silentLogger } from '@ioto/runtime';
import { until } from '@ioto/testkit/until';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { expect, it } from 'vitest';
import { AccountDevices } from '../devices/account-devices.ts';
import { deviceKey } from '../devices/device-item.ts';
import { tempStore } from '../platform/embedded/temp-store.fixture.ts';
import { ToolDoor, type ToolDoorOptions } from './tool-door.ts';

const HOUR = 3_600_000;
const ping = (deviceId: string) => `ioto/service/${deviceId}/test/ping`;

it('what a tool may receive that was here before a restart is told from its account’s devices, for as long as it is away', async () => {
  await using temporary = await tempStore();
  const { store } = temporary;
  const claim = (accountId: string, id: string) =>
    store.write([{ put: { ...deviceKey(accountId, id), _type: 'Device', id, accountId } }]);
  await claim('A', 'LAMP');
  await claim('B', 'FOREIGN');
  const clock = new VirtualClock();
  const devices = new AccountDevices({ store, clock });
  await devices.start();
  const door = new ToolDoor({ store, devices, logger: silentLogger } as unknown as ToolDoorOptions);
  const [receives, another] = [door.receivesOf('A'), door.receivesOf('A')];
  // Nothing is lost before the devices are known.
  expect(receives(ping('LAMP')) && receives(ping('FOREIGN'))).toBe(true);
  await until('the devices to be known', () => !receives(ping('FOREIGN')));
  expect([receives, another].map((each) => each(ping('LAMP')))).toEqual([true, true]);
  expect([receives('app/A/x'), receives('app/B/x'), receives('ioto/account/B/x')]).toEqual([
    true,
    false,
    false,
  ]);
  await clock.advance(2 * HOUR);
  await devices.know('B');
  expect([receives(ping('LAMP')), receives(ping('FOREIGN'))]).toEqual([true, false]);
  await claim('A', 'NEW');
  await until('the claim', () => receives(ping('NEW')));
  await devices.stop();
});
