import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { storeItem } from './load/batches.ts';

export interface RawTask {
  /** Each has a batch under way at any time. */
  devices: number;
  batches: number;
  changes: number;
}

/** Puts a second of new items, and of new versions of them: encoded, in a transaction a batch, on disk. */
async function rawPuts({ devices, batches, changes }: RawTask): Promise<{ new: number; update: number }> {
  const path = mkdtempSync(join(tmpdir(), 'ioto-bench-lmdb-'));
  const database = open<object, Buffer>({
    path,
    noSubdir: false,
    keyEncoding: 'binary',
    encoding: 'msgpack',
    useRecords: false,
  } as object);
  const put = (device: number, batch: number, round: number) => {
    const owner = { deviceId: `DEVICE${String(device).padStart(4, '0')}`, accountId: '01ACCOUNT' };
    for (let at = 0; at < changes; at += 1) {
      const { sk, ...item } = storeItem(owner, batch * changes + at, round);
      database.put(Buffer.from(`s#${owner.accountId}#${owner.deviceId}\0${sk}`), item);
    }
  };
  const one = async (device: number, round: number) => {
    for (let batch = 0; batch < batches; batch += 1) {
      await database.transaction(() => put(device, batch, round));
      await database.flushed;
    }
  };
  const rate = async (round: number) => {
    const started = performance.now();
    await Promise.all(Array.from({ length: devices }, (_, device) => one(device, round)));
    return (devices * batches * changes) / ((performance.now() - started) / 1000);
  };
  const result = { new: await rate(0), update: await rate(1) };
  await database.close();
  rmSync(path, { recursive: true, force: true });
  return result;
}

process.once('message', async (task: RawTask) => {
  const result = await rawPuts(task);
  process.send?.({ result }, () => process.exit(0));
});
process.send?.({ ready: true });
