import { until } from '@ioto/testkit/until';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tempStore } from '../platform/embedded/temp-store.fixture.ts';
import type { ItemStore, StoredItem } from '../ports/item-store.ts';
import { AccountDevices } from './account-devices.ts';
import { deviceKey } from './device-item.ts';

let temporary: Awaited<ReturnType<typeof tempStore>>;
let clock: VirtualClock;
let devices: AccountDevices;

beforeEach(async () => {
  temporary = await tempStore();
  clock = new VirtualClock();
  devices = new AccountDevices({ store: temporary.store, clock });
  await devices.start();
});
afterEach(async () => {
  await devices.stop();
  await temporary[Symbol.asyncDispose]();
});

const item = (accountId: string, id: string): StoredItem => ({
  ...deviceKey(accountId, id),
  ...{ _type: 'Device', id, accountId },
});
const claim = (accountId: string, id: string) => temporary.store.write([{ put: item(accountId, id) }]);
const release = (accountId: string, id: string) =>
  temporary.store.write([{ remove: deviceKey(accountId, id) }]);

describe('the devices of an account', () => {
  it('are known once somebody asks, all pages of them, and kept up from claim to release', async () => {
    for (let n = 0; n < 2500; n += 100) {
      await temporary.store.write(
        Array.from({ length: 100 }, (_, k) => ({ put: item('A', `DEVICE${n + k}`) })),
      );
    }
    expect(devices.owns('A', 'DEVICE0')).toBe(false);
    await devices.know('A');
    expect([0, 999, 1000, 2499].every((n) => devices.owns('A', `DEVICE${n}`))).toBe(true);
    expect(devices.owns('B', 'DEVICE0')).toBe(false);
    await claim('A', 'NEW');
    await until('the claim', () => devices.owns('A', 'NEW'));
    await release('A', 'NEW');
    await until('the release', () => !devices.owns('A', 'NEW'));
  });

  it('that change hands while they are read are as they are afterwards', async () => {
    await claim('A', 'OLD');
    const { store } = temporary;
    let listener: Parameters<ItemStore['onChange']>[0] = () => undefined;
    // A store whose answer is already on its way when the change comes.
    const slow: ItemStore = {
      get: (pk, sk) => store.get(pk, sk),
      write: (writes) => store.write(writes),
      update: (keys, decide) => store.update(keys, decide),
      onChange: (told) => {
        listener = told;
        return () => undefined;
      },
      query: async (pk, options) => {
        const page = await store.query(pk, options);
        listener({ ...deviceKey('A', 'OLD'), before: item('A', 'OLD') });
        listener({ ...deviceKey('A', 'NEW'), after: item('A', 'NEW') });
        return page;
      },
    };
    const own = new AccountDevices({ store: slow, clock });
    await own.start();
    await own.know('A');
    expect([own.owns('A', 'OLD'), own.owns('A', 'NEW')]).toEqual([false, true]);
  });

  it('are forgotten an hour after the last use, and not before', async () => {
    await claim('A', 'ONE');
    await devices.know('A');
    devices.use('A');
    await clock.advance(7_200_000);
    await devices.know('B');
    expect(devices.owns('A', 'ONE')).toBe(true);
    devices.leave('A');
    await clock.advance(3_600_001);
    await devices.know('C');
    expect(devices.owns('A', 'ONE')).toBe(false);
    expect(devices.size).toBe(1);
  });
});
