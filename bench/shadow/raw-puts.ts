import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';

export interface RawTask {
  /** Each has a put under way at any time. */
  writers: number;
  puts: number;
}

const values = { temperature: 20, humidity: 44, door: { open: true } };
const stamp = { timestamp: 1_800_000_000 };
const stamps = { temperature: stamp, humidity: stamp, door: { open: stamp } };

/** Puts a second of items as a shadow is kept: read, encoded, put in a transaction of its own, on disk. */
async function rawPuts({ writers, puts }: RawTask): Promise<number> {
  const path = mkdtempSync(join(tmpdir(), 'ioto-bench-lmdb-'));
  const database = open<object, Buffer>({
    ...{ path, noSubdir: false, keyEncoding: 'binary', encoding: 'msgpack', useRecords: false },
  } as object);
  const put = (writer: number, version: number) => {
    const key = Buffer.from(`shadow#01ACCOUNT#DEVICE${writer}\0c`);
    database.get(key);
    const state = JSON.stringify({ reported: values });
    database.put(key, { state, metadata: JSON.stringify({ reported: stamps }), version, updated: version });
  };
  const one = async (writer: number) => {
    for (let version = 1; version <= puts; version += 1) {
      await database.transaction(() => put(writer, version));
      await database.flushed;
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: writers }, (_, writer) => one(writer)));
  const rate = (writers * puts) / ((performance.now() - started) / 1000);
  await database.close();
  rmSync(path, { recursive: true, force: true });
  return rate;
}

process.once('message', async (task: RawTask) => {
  const result = await rawPuts(task);
  process.send?.({ result }, () => process.exit(0));
});
process.send?.({ ready: true });
