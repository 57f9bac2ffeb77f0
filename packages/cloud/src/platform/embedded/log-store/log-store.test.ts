import { randomBytes } from 'node:crypto';
import { silentLogger } from '@ioto/runtime';
import { until } from '@ioto/testkit/until';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SimulatedDisk } from '../../../../../database/src/journal/simulated-disk.fixture.ts';
import { tempStore } from '../temp-store.fixture.ts';
import { EmbeddedLogStore, type EmbeddedLogStoreOptions } from './log-store.ts';

const ACCOUNT = '01ARZ3NDEKTSV4RRFFQ69G5FAV';

let clock: VirtualClock;
let disk: SimulatedDisk;
let temporary: Awaited<ReturnType<typeof tempStore>>;
const stores: EmbeddedLogStore[] = [];

beforeEach(async () => {
  clock = new VirtualClock();
  disk = new SimulatedDisk();
  temporary = await tempStore();
});
afterEach(async () => {
  for (const store of stores.splice(0)) await store.stop();
  await temporary[Symbol.asyncDispose]();
});

async function started(options: Partial<EmbeddedLogStoreOptions> = {}): Promise<EmbeddedLogStore> {
  const store = new EmbeddedLogStore({
    ...{ directory: '/logs', files: disk, store: temporary.store, clock, logger: silentLogger },
    diskSize: async () => ({ size: 2 ** 40, free: 2 ** 39 }),
    ...options,
  });
  stores.push(store);
  await store.start();
  return store;
}

const line = (message: string) => [{ timestamp: clock.now(), message }];
const segments = () => disk.paths().filter((path) => path.includes('/seg-'));

describe('events of all groups in memory', () => {
  it('are packed when they take too much, and puts wait for it', async () => {
    const store = await started({ memory: 4000 });
    for (const group of ['a', 'b']) {
      await store.createGroup(ACCOUNT, group);
      await store.createStream(ACCOUNT, group, 's');
    }
    const put = (group: string, message: string) => store.put(ACCOUNT, group, 's', line(message));
    await put('a', 'small');
    expect(segments()).toEqual([]);
    // The larger one makes room.
    await put('b', 'x'.repeat(3000));
    await until('it to be packed', () => segments().length === 1);
    await put('a', 'small');
    disk.fault = (operation, path) =>
      operation === 'write' && path.includes('/seg-') ? { code: 'ENOSPC' } : undefined;
    await put('b', 'x'.repeat(8000));
    await expect(put('a', 'small')).rejects.toMatchObject({ code: 'LOG_STORE_UNWRITABLE' });
    disk.fault = () => undefined;
    await put('a', 'small');
    expect(segments()).toHaveLength(1);
    const { events } = await store.read(ACCOUNT, 'b', {
      ...{ from: 0, to: Number.MAX_SAFE_INTEGER, limit: 10, bytes: 100_000, budget: 1000 },
    });
    expect(events.map(({ message }) => message.length)).toEqual([3000, 8000]);
  });
});

describe('a look for what is past its retention', () => {
  it('holds one group at a time of those that nobody uses', async () => {
    const first = await started();
    for (const group of ['a', 'b', 'c']) {
      await first.createGroup(ACCOUNT, group);
      await first.createStream(ACCOUNT, group, 's');
      await first.retain(ACCOUNT, group, 1);
      await first.put(ACCOUNT, group, 's', line(group));
    }
    await first.stop();
    const held = new Set<string>();
    const most: number[] = [];
    const open = disk.open.bind(disk);
    disk.open = async (path) => {
      const file = await open(path);
      const close = file.close.bind(file);
      held.add(path);
      most.push(held.size);
      file.close = () => {
        held.delete(path);
        return close();
      };
      return file;
    };
    const store = await started();
    await store.put(ACCOUNT, 'b', 's', line('in use'));
    expect(held.size).toBe(1);
    await store.tidy();
    expect([held.size, Math.max(...most)]).toEqual([1, 2]);
    await clock.advance(11 * 60_000);
    await store.tidy();
    expect(held.size).toBe(0);
  });
});

describe('the logs of an account on the disk', () => {
  const other = '01BX5ZZKBKACTAV9WEVGEMMVRZ';
  /** No two are packed to less than they are. */
  const noise = () => randomBytes(1000).toString('base64');

  it('are taken up to its quota, until groups go or their events are past their time', async () => {
    const options = { quota: 3000, groupLimits: { packAt: 2000 } };
    const store = await started(options);
    for (const [account, group] of [
      [ACCOUNT, 'a'],
      [ACCOUNT, 'b'],
      [other, 'a'],
    ] as const) {
      await store.createGroup(account, group);
      await store.createStream(account, group, 's');
    }
    const stored = async (from: EmbeddedLogStore, account: string, group: string) =>
      (await from.group(account, group)).storedBytes;
    /** Resolves when it is packed as well. */
    const put = async (group: string, account = ACCOUNT, from = store) => {
      const before = await stored(from, account, group);
      await from.put(account, group, 's', line(noise()));
      await until('it to be packed', async () => (await stored(from, account, group)) > before);
    };
    for (const group of ['a', 'b', 'b']) await put(group);
    const refusal = {
      code: 'LOG_LIMIT',
      message: expect.stringMatching(/may keep 3000 bytes .* keeps \d{4}/),
    };
    await expect(put('a')).rejects.toMatchObject(refusal);
    await put('a', other);
    await store.stop();
    const again = await started(options);
    await expect(put('a', ACCOUNT, again)).rejects.toMatchObject(refusal);
    await again.deleteGroup(ACCOUNT, 'b', []);
    for (let n = 0; n < 2; n += 1) await put('a', ACCOUNT, again);
    await expect(put('a', ACCOUNT, again)).rejects.toMatchObject(refusal);
    await again.retain(ACCOUNT, 'a', 1);
    await clock.advance(2 * 86_400_000);
    await again.tidy();
    // A tidy that the clock had begun may be under way still.
    await until('room', () => again.put(ACCOUNT, 'a', 's', line('new')).then(() => true));
  });
});
