import { compileSchema, Database, type ItemKey } from '@ioto/database';
import { silentLogger, systemClock } from '@ioto/runtime';
import type { Store, Subject } from '../subject.ts';

const schema = compileSchema({
  format: 'onetable:1.1.0',
  version: '1.0.0',
  indexes: { primary: { hash: 'pk', sort: 'sk' }, gs1: { hash: 'gs1pk', sort: 'gs1sk' } },
  models: {
    Reading: {
      pk: { type: 'string', value: 'r#${accountId}#${deviceId}' },
      sk: { type: 'string', value: 'r#${id}' },
      accountId: { type: 'string' },
      deviceId: { type: 'string' },
      id: { type: 'string', required: true },
      group: { type: 'string' },
      value: { type: 'number' },
      text: { type: 'string' },
      gs1pk: { type: 'string', value: 'group#${group}' },
      gs1sk: { type: 'string', value: 'r#${id}' },
    },
  },
  process: { Reading: { enable: true, sync: 'none' } },
  params: { typeField: '_type', timestamps: true, isoDates: true },
});

export const ioto: Subject = {
  name: 'ioto',
  durable: true,
  async open(directory): Promise<Store> {
    const context = { accountId: '01JACCOUNT', deviceId: 'JT08FFQXWQ' };
    const db = await Database.open({
      directory,
      schema,
      context,
      clock: systemClock,
      logger: silentLogger,
    });
    return {
      create: (reading) => db.create('Reading', { ...reading }),
      get: (id) => db.get('Reading', { id }),
      key: (id) => schema.model('Reading').keyOf({ id }, context),
      getByKey: (key) => db.get('Reading', key as ItemKey & Record<string, unknown>),
      page: (group) => db.find('Reading', { group }, { index: 'gs1', limit: 10 }),
      find: (value) => db.find('Reading', { value }),
      close: () => db.close(),
    };
  },
};
