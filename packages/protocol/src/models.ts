/**
 * The core data schema that every device and cloud share, in OneTable's `onetable:1.1.0` form. A product's own schema
 * adds models to it.
 */

/** Which way a model's items travel: from the device, to the device, both, or not at all. */
export type SyncDirection = 'up' | 'down' | 'both' | 'none';

/** The part of OneTable's field definition that the core models use; `packages/database` knows the rest. */
export interface CoreField {
  type: 'string' | 'number' | 'boolean' | 'date' | 'object' | 'array' | 'binary';
  value?: string;
  required?: boolean;
  generate?: 'ulid' | 'uid' | 'uuid';
  default?: unknown;
  enum?: readonly string[];
  ttl?: boolean;
  hidden?: boolean;
}

/** How a model's items are kept and synced. */
export interface CoreProcess {
  enable: boolean;
  sync: SyncDirection;
  durability?: 'each' | 'lazy' | 'mem';
  /** 0 to 9, default 5; changes of a higher one go up first. */
  priority?: number;
  /** Changes that may wait to go up, and what happens to one more; default `refuse`. */
  queue?: { max?: number; full?: 'oldest' | 'refuse' };
  /** How long an item that the cloud has stays on the device; default for ever. */
  keep?: string;
}

export interface CoreSchema {
  format: 'onetable:1.1.0';
  version: string;
  indexes: Record<string, { hash: string; sort: string }>;
  models: Record<string, Record<string, CoreField>>;
  process: Record<string, CoreProcess>;
  params: { typeField: string; timestamps: boolean; isoDates: boolean };
}

const owner = {
  accountId: { type: 'string' },
  deviceId: { type: 'string' },
} as const satisfies Record<string, CoreField>;

/** Names and sort keys are those of Ioto contract §8; `created` and `updated` come from `params.timestamps`. */
export const coreSchema: CoreSchema = {
  format: 'onetable:1.1.0',
  version: '1.0.0',
  indexes: { primary: { hash: 'pk', sort: 'sk' } },
  models: {
    Device: {
      pk: { type: 'string', value: 'd#${accountId}' },
      sk: { type: 'string', value: 'd#${id}' },
      id: { type: 'string', required: true },
      accountId: { type: 'string' },
      name: { type: 'string' },
      description: { type: 'string' },
      model: { type: 'string' },
      product: { type: 'string' },
      connection: { type: 'string', enum: ['online', 'offline'] },
      state: { type: 'object' },
      test: { type: 'boolean' },
    },
    Store: {
      pk: { type: 'string', value: 's#${accountId}#${deviceId}' },
      sk: { type: 'string', value: 's#${key}' },
      ...owner,
      key: { type: 'string', required: true },
      value: { type: 'string' },
      type: {
        type: 'string',
        default: 'string',
        enum: ['string', 'number', 'boolean', 'object', 'array', 'date'],
      },
      expires: { type: 'date', ttl: true },
    },
    Log: {
      pk: { type: 'string', value: 'l#${accountId}#${deviceId}' },
      sk: { type: 'string', value: 'l#${id}' },
      ...owner,
      id: { type: 'string', generate: 'ulid' },
      message: { type: 'string' },
      context: { type: 'object' },
      expires: { type: 'date', ttl: true },
    },
    Command: {
      pk: { type: 'string', value: 'command#' },
      sk: { type: 'string', value: 'command#${accountId}#${deviceId}#${id}' },
      ...owner,
      id: { type: 'string', generate: 'ulid' },
      command: { type: 'string', required: true },
      args: { type: 'object' },
      expires: { type: 'date', ttl: true },
    },
    Broadcast: {
      pk: { type: 'string', value: 'bcast#${accountId}#${deviceId}' },
      sk: { type: 'string', value: 'bcast#${key}' },
      ...owner,
      key: { type: 'string', required: true },
      value: { type: 'string' },
      type: { type: 'string' },
    },
    SyncState: {
      pk: { type: 'string', value: 'state#' },
      sk: { type: 'string', value: 'state#' },
      lastSync: { type: 'date' },
      lastUpdate: { type: 'date' },
    },
  },
  process: {
    Device: { enable: true, sync: 'up', priority: 9 },
    Store: { enable: true, sync: 'up' },
    Log: { enable: true, sync: 'up', priority: 3, queue: { max: 10_000, full: 'oldest' }, keep: '7 days' },
    Command: { enable: true, sync: 'down' },
    Broadcast: { enable: true, sync: 'down', durability: 'mem' },
    SyncState: { enable: true, sync: 'none' },
  },
  params: { typeField: '_type', timestamps: true, isoDates: true },
};
