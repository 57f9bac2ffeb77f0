import { isDeepStrictEqual } from 'node:util';
import { fail } from '../errors.ts';
import type { FindOptions } from '../options.ts';
import { coerce } from '../schema/coerce.ts';
import type { Context, Properties } from '../schema/definition.ts';
import type { Model } from '../schema/model.ts';
import type { ItemTable } from './item-table.ts';
import { type ItemRecord, keyText } from './record.ts';

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
  const range = { after: next === undefined ? undefined : decodeCursor(next), reverse };
  const records: ItemRecord[] = [];
  for (const record of table.begins(searchPrefix(model, properties, context), range)) {
    if (record.model !== model.name || !matches(record.attributes)) continue;
    if (where && !where(record.attributes)) continue;
    if (records.length >= limit) return { records, next: encodeCursor(records.at(-1)) };
    records.push(record);
  }
  return { records };
}

function searchPrefix(model: Model, properties: Properties, context: Context): string {
  const { pk, sk } = model.keyRange(properties, context);
  return pk === undefined ? '' : keyText({ pk, sk });
}

function filter(model: Model, properties: Properties): (attributes: Properties) => boolean {
  const wanted = Object.entries(properties).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const field = model.fields.get(name);
    if (!field) throw fail('FIELD_INVALID', `${model.name} has no field ${name} to find by`);
    return [[name, value === null ? undefined : coerce(field, value, `${model.name}.${name}`)] as const];
  });
  return (attributes) =>
    wanted.every(([name, value]) => {
      const own = attributes[name];
      return own === value || (typeof value === 'object' && isDeepStrictEqual(own, value));
    });
}

function encodeCursor(last: ItemRecord | undefined): string | undefined {
  return last && Buffer.from(keyText(last)).toString('base64url');
}

function decodeCursor(next: string): string {
  const text = Buffer.from(next, 'base64url').toString('utf8');
  if (!text.includes('\0')) throw fail('CURSOR_INVALID', 'next must come from the page before');
  return text;
}
