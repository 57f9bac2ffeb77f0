import type { ChangeCommand } from '@ioto/protocol';
import type { Clock, Logger } from '@ioto/runtime';
import type { FileLayer } from './journal/file-layer.ts';
import type { Schema } from './schema/compile.ts';
import type { Context, Durability, Properties } from './schema/definition.ts';
import type { Where } from './where/where.ts';

export interface DatabaseOptions {
  /** Where the files lie: `NAME.db`, `NAME.N.journal`. Made with mode 0700 when missing. One process at a time. */
  directory: string;
  /** Default `device`. */
  name?: string;
  schema: Schema;
  /** Default: as it was when the database was last open. A difference re-keys, as `setContext` does. */
  context?: Context;
  clock: Clock;
  logger: Logger;
  /** For models whose schema does not choose. Default `each`. */
  durability?: Durability;
  /**
   * Bytes of journal after which a snapshot replaces it; default 1 MB. A journal smaller than the last snapshot is left
   * alone, so that at most two bytes of snapshot and journal are written for one byte of change.
   */
  maxJournalSize?: number;
  /** Milliseconds after which a lazy write is on disk at the latest; default 5000. */
  maxJournalAge?: number;
  /**
   * Milliseconds for which the removals of items of synced models are remembered, so that no late copy brings them back;
   * default 90 days. At most 10,000 are.
   */
  tombstoneAge?: number;
  /**
   * What damage to the files does to `open` that no power cut makes. `refuse`, the default, throws DATABASE_CORRUPT and
   * changes nothing. `salvage` takes everything that can be read into a new snapshot, keeps the damaged files aside in
   * `NAME.damaged-N`, and says in the log and in `stats.salvaged` what was lost.
   */
  onDamage?: 'refuse' | 'salvage';
  /** Models whose items speak of all the others, as of how far they are synced: a salvage leaves them out. */
  forgetWhenSalvaged?: readonly string[];
  /** Largest item in bytes of JSON; default 400 KB, as DynamoDB's. */
  maxItemSize?: number;
  /**
   * Largest size of all items together, counted in characters of keys and values; default without limit. At the limit a
   * write that would make the database larger rejects with DATABASE_FULL; one that makes it smaller, removals above all,
   * is always taken.
   */
  maxSize?: number;
  /**
   * Changes that may wait to go up, over all models; default 200,000. At the limit a write that adds one gives up the oldest
   * of a model that allows it (`process.MODEL.queue.full`), or rejects with QUEUE_FULL.
   */
  maxQueue?: number;
  /** The files' own system; another one only in tests. */
  files?: FileLayer;
}

export interface WriteOptions {
  /** Told to listeners with the change. */
  origin?: string;
  /** Not refused by `maxSize` and `maxQueue`. */
  exempt?: boolean;
}

export interface CreateOptions extends WriteOptions {
  /** Replace an item that is there already, instead of ITEM_EXISTS. */
  replace?: boolean;
}

export interface UpdateOptions extends WriteOptions {
  /** Create the item when there is none, instead of ITEM_MISSING. */
  upsert?: boolean;
}

export interface ReadOptions {
  /** Return hidden fields too. */
  hidden?: boolean;
}

export interface ExportOptions extends ReadOptions {
  /** Default: all models of the schema. */
  models?: readonly string[];
}

export interface FindOptions extends ReadOptions {
  /** At most this many items. */
  limit?: number;
  /** `next` of the page before. */
  next?: string;
  /** `prev` of the page behind: the page in front of it, in the same order. */
  prev?: string;
  /** From the last to the first, by sort key. */
  reverse?: boolean;
  /** In the order of this secondary index, whose hash the properties must tell. */
  index?: string;
  /** A further condition: operators by field, or a function. */
  where?: Where | ((item: Properties) => boolean);
}

/** One write of a batch; an option is the write's own. */
export interface BatchWrite extends CreateOptions, UpdateOptions {
  cmd: ChangeCommand;
  model: string;
  item: Properties;
}

/** A change as it comes from elsewhere: a whole item (for `remove` its key is enough), with its own `updated`. */
export interface AppliedChange {
  cmd: ChangeCommand;
  /** Default: the item's own type field. */
  model?: string;
  /** Fields and, where the key cannot be made from them, `sk`. A `pk` is ignored: the context says whose item it is. */
  item: Properties;
}

export interface ApplyOptions {
  /** Default `cloud`. */
  origin?: string;
  /** The item is not as the cloud has it: it goes up. */
  waits?: boolean;
  /** Not refused by `maxSize` and `maxQueue`. */
  exempt?: boolean;
}

/** A torn write that a power cut left at the end of a journal, and that was cut off when the database was opened. */
export interface TornTail {
  readonly file: string;
  /** Byte where it began; the file now ends there. */
  readonly offset: number;
  readonly bytes: number;
}

/** A part of a damaged database that could not be read. */
export interface LostPart {
  readonly file: string;
  readonly offset: number;
  /** Zero where a file is missing or ends too early: how much there was, nobody knows. */
  readonly bytes: number;
  readonly reason: 'damaged' | 'cut short' | 'missing';
}

/** What became of a database whose files were damaged. */
export interface Salvaged {
  /** ISO 8601. */
  readonly at: string;
  /** Where the damaged files lie now, with `report.json`, which says the same as this. */
  readonly directory: string;
  readonly lost: readonly LostPart[];
  /** Of `lost` together. */
  readonly lostBytes: number;
  /** That could be read. */
  readonly items: number;
  /** Items of an owner that the device had before, which were left behind: that they were removed was in a lost part. */
  readonly left: number;
}

export interface DatabaseStats {
  readonly items: number;
  /** Of all items together, in characters of keys and values: what `maxSize` limits. */
  readonly size: number;
  /** Changes that wait to be acknowledged. */
  readonly outbox: number;
  /** Changes by model that were given up before the cloud had them, since the present owner has the device. */
  readonly lost: Readonly<Record<string, number>>;
  /** Items written and removed since the database was opened, those that `lazy` keeps in memory for now not counted. */
  readonly changes: number;
  /** Of which many may have shared one, with one sync of the disk. */
  readonly commits: number;
  readonly failedCommits: number;
  readonly compactions: number;
  /** Bytes in the journals since the last snapshot. */
  readonly journalBytes: number;
  readonly snapshotBytes: number;
  /** Bytes written since the database was opened, to journals and snapshots: the wear of the flash. */
  readonly writtenBytes: number;
  readonly tornTail?: TornTail;
  /** Present when the files were damaged when the database was opened. */
  readonly salvaged?: Salvaged;
}
