import type { Clock } from '@ioto/runtime';
import { fail } from '../errors.ts';
import type { IndexSet } from '../index/index-set.ts';
import type { FindOptions } from '../options.ts';
import type { Context, Properties } from '../schema/definition.ts';
import type { Model } from '../schema/model.ts';
import { compileFilter } from '../where/filter.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { isExpired } from './expiry.ts';
import type { Page } from './item.ts';
import type { ItemTable } from './item-table.ts';
import type { ItemRecord } from './record.ts';

export interface Selection {
  readonly records: readonly ItemRecord[];
  /** Where the next page begins; absent on the last page. */
  readonly next?: string;
  /** Where the page before ends; absent on the first page. */
  readonly prev?: string;
}

export interface Selecting {
  readonly items: ItemTable;
  readonly indexes: IndexSet;
  readonly context: Context;
  readonly clock: Pick<Clock, 'now'>;
}

/** Called with each record and its place in the order; ends the scan by returning false. */
type Visitor = (record: ItemRecord, place: string) => boolean;

/** Records in an order, from a cursor on. */
interface Source {
  scan(after: string | undefined, reverse: boolean, visit: Visitor): void;
  cursorOf(record: ItemRecord, place: string): string;
}

/**
 * The records of a model that have all of these properties, in the order of their keys, or of those of the index. As
 * much of the key as the properties tell narrows the search; the rest filters.
 *
 * @throws FIELD_INVALID for a property that the model does not have; CURSOR_INVALID; KEY_INCOMPLETE when the hash of the
 * index is not told; INDEX_UNKNOWN.
 */
export function select(
  from: Selecting,
  model: Model,
  properties: Properties,
  options: FindOptions,
): Selection {
  const { limit = Number.POSITIVE_INFINITY, next, prev, reverse = false } = options;
  const matches = compileFilter(model, properties, options.where);
  const source = options.index
    ? indexSource(from, model, properties, options.index)
    : keySource(from, model, properties);
  const backwards = prev !== undefined;
  const { name, ttl } = model;
  const records: ItemRecord[] = [];
  const ends = { first: '', last: '' };
  let more = false;
  source.scan(prev ?? next, reverse !== backwards, (record, place) => {
    if (record.model !== name || (matches && !matches(record.attributes))) return true;
    if (ttl && isExpired(model, record, from.clock)) return true;
    if (records.length >= limit) {
      more = true;
      return false;
    }
    if (records.length === 0) ends.first = place;
    ends.last = place;
    records.push(record);
    return true;
  });
  if (records.length === 0) return { records };
  const far = more ? source.cursorOf(records[records.length - 1] as ItemRecord, ends.last) : undefined;
  if (!backwards && next === undefined) return { records, next: far };
  const near = source.cursorOf(records[0] as ItemRecord, ends.first);
  return backwards
    ? { records: records.reverse(), prev: far, next: near }
    : { records, prev: near, next: far };
}

/** The page that a selection makes, each record as `show` shows it. */
export function pageOf<T>({ records, next, prev }: Selection, show: (record: ItemRecord) => T): Page<T> {
  const page: T[] & { next?: string; prev?: string } = [];
  for (const record of records) page.push(show(record));
  if (next !== undefined) page.next = next;
  if (prev !== undefined) page.prev = prev;
  return Object.freeze(page);
}

function keySource({ items, context }: Selecting, model: Model, properties: Properties): Source {
  const { pk, sk } = model.keyRange(properties, context);
  const prefix = pk === undefined ? undefined : sk;
  return {
    scan(cursor, reverse, visit) {
      const [afterPk = '', afterSk = ''] = cursor === undefined ? [] : decodeCursor(cursor, 2);
      const after = cursor === undefined ? undefined : { pk: afterPk, sk: afterSk };
      items.scan({ pk, prefix, after, reverse }, visit);
    },
    cursorOf: ({ pk: hash }, sort) => encodeCursor([hash, sort]),
  };
}

function indexSource(
  { indexes, context }: Selecting,
  model: Model,
  properties: Properties,
  name: string,
): Source {
  if (name === 'primary') throw fail('INDEX_UNKNOWN', 'the primary index is the one that find uses anyway');
  const { hash, sort } = model.indexRange(name, properties, context);
  const index = indexes.get(name, context);
  return {
    scan(cursor, reverse, visit) {
      const after = cursor === undefined ? undefined : decodeCursor(cursor, 1)[0];
      index.scan(hash, { prefix: sort, after, reverse }, visit);
    },
    cursorOf: (_record, place) => encodeCursor([place]),
  };
}
