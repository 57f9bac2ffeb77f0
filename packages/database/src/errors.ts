import { errorCatalogue } from '@ioto/runtime';

/** Everything that the database refuses or fails at, by its stable code. */
export const databaseErrors = {
  /** The schema is not a valid `onetable:1.1.0` schema; the message names model, field and rule. */
  SCHEMA_INVALID: { status: 400 },
  /** The schema has no model of that name. */
  MODEL_UNKNOWN: { status: 400 },
  /** A required field has no value. */
  FIELD_REQUIRED: { status: 400 },
  /** A value does not fit its field. */
  FIELD_INVALID: { status: 400 },
  /** A property that the item's key is made of is missing. */
  KEY_INCOMPLETE: { status: 400 },
  /** A value cannot be part of a key. */
  KEY_INVALID: { status: 400 },
  /** An item is larger than the database takes. */
  ITEM_TOO_LARGE: { status: 413 },
  ITEM_EXISTS: { status: 409 },
  /** Another item has that value in a field that is unique; details carry `field`. */
  UNIQUE_TAKEN: { status: 409 },
  ITEM_MISSING: { status: 404 },
  /** A transaction was used after its function had ended, or its function is asynchronous. */
  TRANSACTION_OVER: { status: 400 },
  /** The model has no items in an index of that name. */
  INDEX_UNKNOWN: { status: 400 },
  /** `next` or `prev` does not come from a page of the same find. */
  CURSOR_INVALID: { status: 400 },
  /** A text to import is no JSON5 list of items. */
  IMPORT_INVALID: { status: 400 },
  /** The items together are larger than the database may be; removing some makes room. */
  DATABASE_FULL: { status: 507 },
  /**
   * As many changes wait to go up as may; details carry `model` and `limit`. The device must connect, or the limit be
   * raised, or the model give up its oldest changes.
   */
  QUEUE_FULL: { status: 507 },
  /** A file of the database is damaged in its middle; details carry `file` and `offset`. Nothing was changed. */
  DATABASE_CORRUPT: { status: 500 },
  /** The database's files cannot be read or made. */
  DATABASE_UNREADABLE: { status: 500 },
  /** The change could not be made durable and was taken back; details carry the system's `reason`. */
  DATABASE_WRITE_FAILED: { status: 503, retryable: true },
  DATABASE_CLOSED: { status: 503 },
  /** The database was opened to be looked at only. */
  DATABASE_READ_ONLY: { status: 403 },
} as const;

export const fail = errorCatalogue(databaseErrors);
