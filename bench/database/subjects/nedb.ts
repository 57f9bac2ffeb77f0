import nedbModule from '@seald-io/nedb';
import type { Reading, Store, Subject } from '../subject.ts';

/** The types say `export default`; the module is CommonJS. */
const Datastore = nedbModule as unknown as typeof nedbModule.default;

/** Appends without a sync: what it resolves may be lost in a power cut. */
export const nedb: Subject = {
  name: 'nedb',
  durable: false,
  async open(directory): Promise<Store> {
    const db = new Datastore<Reading & { _id: string }>({ filename: `${directory}/nedb.db` });
    await db.loadDatabaseAsync();
    await db.ensureIndexAsync({ fieldName: 'group' });
    return {
      create: (reading) => db.insertAsync({ ...reading, _id: reading.id }),
      get: (id) => db.findOneAsync({ _id: id }),
      page: (group) => db.findAsync({ group }).sort({ id: 1 }).limit(10),
      find: (value) => db.findAsync({ value }),
      close: () => undefined,
    };
  },
};
