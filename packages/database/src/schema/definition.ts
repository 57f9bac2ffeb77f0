/** The file form of a schema: OneTable's `onetable:1.1.0`, as far as the database understands it. */

export const FIELD_TYPES = ['string', 'number', 'boolean', 'date', 'object', 'array', 'binary'] as const;
export type FieldType = (typeof FIELD_TYPES)[number];

export const SYNC_DIRECTIONS = ['up', 'down', 'both', 'none'] as const;
export type Sync = (typeof SYNC_DIRECTIONS)[number];

/**
 * When a write counts as done: `each`, once it is on disk; `lazy`, at once, and on disk a bounded time later; `mem`, at
 * once, and never on disk.
 */
export const DURABILITIES = ['each', 'lazy', 'mem'] as const;
export type Durability = (typeof DURABILITIES)[number];

/** The parts of an item's primary key, whatever the schema calls its attributes. */
export interface ItemKey {
  pk: string;
  sk: string;
}

/** What a caller knows of an item, by field name. */
export type Properties = Readonly<Record<string, unknown>>;

/**
 * Values that every item of this database carries, by field name: `accountId` and `deviceId`. A value that is not empty
 * wins over the caller's, so that no item can be filed under somebody else.
 */
export type Context = Readonly<Record<string, string | undefined>>;
