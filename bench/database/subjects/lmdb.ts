import { type Key, open } from 'lmdb';
import type { Reading, Store, Subject } from '../subject.ts';

/** Values by ID and, by hand as lmdb has no indexes, IDs by group; a write resolves when it is synced. */
export const lmdb: Subject = {
  name: 'lmdb',
  durable: true,
  async open(directory): Promise<Store> {
    const root = open({ path: `${directory}/lmdb`, noMemInit: true });
    const readings = root.openDB<Reading, string>({ name: 'readings' });
    const groups = root.openDB<string, Key>({ name: 'groups' });
    const create = async (reading: Reading) => {
      readings.put(reading.id, reading);
      await groups.put([reading.group, reading.id], reading.id);
      await root.flushed;
    };
    return {
      create,
      get: (id) => readings.get(id),
      page: (group) =>
        groups.getRange({ start: [group], limit: 10 }).map(({ value }) => readings.get(value)).asArray,
      find: (value) => readings.getRange().filter((row) => row.value.value === value).asArray,
      close: () => root.close(),
    };
  },
};
