import { readFileSync } from 'node:fs';
import { compileSchema, Database, type ItemKey } from '@ioto/database';
import { silentLogger, systemClock } from '@ioto/runtime';
import type { Store, Subject } from '../subject.ts';

const definition = readFileSync(new URL('../reading-schema.json', import.meta.url), 'utf8');
const schema = compileSchema(JSON.parse(definition));

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
