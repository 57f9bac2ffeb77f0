import { coreSchema } from '@ioto/protocol';
import { silentLogger } from '@ioto/runtime';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { Database } from './database.ts';
import { SimulatedDisk } from './journal/simulated-disk.fixture.ts';
import type { DatabaseOptions } from './options.ts';
import { compileSchema } from './schema/compile.ts';

export const ACCOUNT = '01JACCOUNT';
export const DEVICE = 'JT08FFQXWQ';

/** A schema with the core models and some that try every rule. */
export const testSchema = {
  ...coreSchema,
  models: {
    ...coreSchema.models,
    Sensor: {
      pk: { type: 'string', value: 'sensor#${accountId}' },
      sk: { type: 'string', value: 'sensor#${site}#${id}' },
      accountId: { type: 'string' },
      site: { type: 'string', required: true },
      id: { type: 'string', generate: 'ulid' },
      unit: { type: 'string', enum: ['C', 'F'], default: 'C' },
      reading: { type: 'number' },
      on: { type: 'boolean' },
      seen: { type: 'date' },
      settings: { type: 'object' },
      history: { type: 'array' },
      label: { type: 'string', value: '${site}/${unit}', hidden: false },
      secret: { type: 'string', hidden: true },
    },
    Note: {
      pk: { type: 'string', value: 'note#' },
      sk: { type: 'string', value: 'note#${id}' },
      id: { type: 'string', required: true },
      text: { type: 'string' },
    },
  },
  process: {
    ...coreSchema.process,
    Sensor: { enable: true, sync: 'both' },
    Note: { enable: true, sync: 'none', durability: 'lazy' },
  },
};

/** The bytes of a journal up to the end of its last record. */
export function withoutRoom(journal: Buffer): Buffer {
  let end = journal.length;
  while (journal[end - 1] === 0) end -= 1;
  return journal.subarray(0, end);
}

/** A world for one database: a disk in memory and a clock that the test moves. */
export class World {
  disk = new SimulatedDisk();
  readonly clock = new VirtualClock();

  open(options: Partial<DatabaseOptions> = {}): Promise<Database> {
    return Database.open({
      directory: '/db',
      schema: compileSchema(testSchema),
      context: { accountId: ACCOUNT, deviceId: DEVICE },
      clock: this.clock,
      logger: silentLogger,
      files: this.disk,
      ...options,
    });
  }
}
