import { isDeepStrictEqual } from 'node:util';
import { fail } from '../errors.ts';
import type { FindOptions } from '../options.ts';
import { coerce } from '../schema/coerce.ts';
import type { Context, Properties } from '../schema/definition.ts';
import type { Model } from '../schema/model.ts';
import type { ItemTable, Place } from './item-table.ts';
import type { ItemRecord } from './record.ts';

export interface Selection {
  readonly records: readonly ItemRecord[];
  /** Where the next page begins; absent on the last page. */
  readonly next?: string;
}

/**
 * The records of a model that have all of these properties, in the order of their keys. As much of the key as the
 * properties tell narrows the search; the rest filters.
 *
 * @throws FIELD_INVALID for a property that the model does not have; CURSOR_INVALID
 */
export function select(
  table: ItemTable,
  model: Model,
  properties: Properties,
  context: Context,
  { limit = Number.POSITIVE_INFINITY, next, reverse, where }: FindOptions,
): Selection {
  const matches = filter(model, properties);
  const { pk, sk } = model.keyRange(properties, context);
  const after = next === undefined ? undefined : decodeCursor(next);
  const records: ItemRecord[] = [];
  let more = false;
  table.scan({ pk, prefix: pk === undefined ? undefined : sk, after, reverse }, (record) => {
    if (record.model !== model.name || !matches(record.attributes)) return true;
    if (where && !where(record.attributes)) return true;
    if (records.length < limit) return records.push(record) > 0;
    more = true;
    return false;
  });
  return more ? { records, next: encodeCursor(records.at(-1)) } : { records };
}

type Matcher = (attributes: Properties) => boolean;

function filter(model: Model, properties: Properties): Matcher {
  const matchers: Matcher[] = [];
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    const field = model.fields.get(name);
    if (!field) throw fail('FIELD_INVALID', `${model.name} has no field ${name} to find by`);
    matchers.push(equals(name, value === null ? undefined : coerce(field, value, field.path)));
  }
  const [first = () => true, second] = matchers;
  if (!second) return first;
  return (attributes) => matchers.every((matches) => matches(attributes));
}

function equals(name: string, value: unknown): Matcher {
  if (typeof value === 'object') return (attributes) => isDeepStrictEqual(attributes[name], value);
  return (attributes) => attributes[name] === value;
}

/** The key of the last item: opaque to callers, and printable so that it can travel. */
function encodeCursor(last: ItemRecord | undefined): string | undefined {
  return last && `${last.pk.length}:${last.pk}${last.sk}`;
}

function decodeCursor(next: string): Place {
  const match = /^(\d{1,4}):/.exec(next);
  const start = match?.[0].length ?? 0;
  const end = start + Number(match?.[1] ?? Number.NaN);
  if (!(end <= next.length)) throw fail('CURSOR_INVALID', 'next must come from the page before');
  return { pk: next.slice(start, end), sk: next.slice(end) };
}
