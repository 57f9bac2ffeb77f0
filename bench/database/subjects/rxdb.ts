import { createRxDatabase } from 'rxdb/plugins/core';
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory';
import type { Reading, Store, Subject } from '../subject.ts';

const schema = {
  version: 0,
  primaryKey: 'id',
  type: 'object',
  properties: {
    id: { type: 'string', maxLength: 20 },
    group: { type: 'string', maxLength: 20 },
    value: { type: 'number' },
    text: { type: 'string' },
  },
  required: ['id', 'group', 'value', 'text'],
  indexes: ['group'],
} as const;

/** In memory only. */
export const rxdb: Subject = {
  name: 'rxdb',
  durable: false,
  async open(directory): Promise<Store> {
    const db = await createRxDatabase({
      name: directory,
      storage: getRxStorageMemory(),
      multiInstance: false,
      eventReduce: false,
    });
    const { readings } = await db.addCollections({ readings: { schema } });
    return {
      create: (reading) => readings.insert(reading),
      createMany: (many) => readings.bulkInsert(many as Reading[]),
      get: (id) => readings.findOne(id).exec(),
      page: (group) => readings.find({ selector: { group }, sort: [{ id: 'asc' }], limit: 10 }).exec(),
      find: (value) => readings.find({ selector: { value } }).exec(),
      close: () => db.close(),
    };
  },
};
