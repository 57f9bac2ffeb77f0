import { coerce, type Field, type Model } from '@ioto/database';
import { isPerDevice } from './tenant-key.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What reading an item of a model depends on, looked up once for all its items: a batch may bring thousands. */
export interface ModelReader {
  /** Fields that may come from a device. */
  readonly fields: readonly Field[];
  /** Names of the fields that the sort key tells, where an item leaves them out. */
  readonly told: readonly string[];
  /** The item carries its device's ID. */
  readonly namesDevice: boolean;
}

const readers = new WeakMap<Model, ModelReader>();

export function readerOf(model: Model): ModelReader {
  let reader = readers.get(model);
  if (!reader) {
    reader = readerFor(model);
    readers.set(model, reader);
  }
  return reader;
}

function readerFor(model: Model): ModelReader {
  return {
    fields: [...model.fields.values()].filter(({ name, local }) => !local && !model.keyFields.has(name)),
    told: model.keyVariables.filter((name) => !OWNERSHIP.has(name) && model.fields.has(name)),
    namesDevice: isPerDevice(model) || model.fields.has('deviceId'),
  };
}

/** Taken from the certificate, whatever an item or its key says. */
const OWNERSHIP = new Set(['accountId', 'deviceId']);

/** The fields of an item with those that only its sort key tells. */
export function withToldFields(model: Model, fields: Fields, sk: string | undefined): Fields {
  if (!sk || readerOf(model).told.every((name) => Object.hasOwn(fields, name))) return fields;
  return { ...model.parseSortKey(sk), ...fields };
}

/**
 * The fields that the schema knows, in its types. One that does not fit is left out rather than losing the item.
 *
 * @throws FIELD_INVALID for one that does not fit and is required.
 */
export function knownFields(model: Model, fields: Fields): Record<string, unknown> {
  const known: Record<string, unknown> = {};
  for (const field of readerOf(model).fields) {
    const { name } = field;
    if (!Object.hasOwn(fields, name)) continue;
    const value = fields[name];
    if (value !== undefined && value !== null) take(known, field, value);
  }
  return known;
}

function take(known: Record<string, unknown>, field: Field, value: unknown): void {
  try {
    known[field.name] = coerce(field, value, field.path);
  } catch (error) {
    if (field.required) throw error;
  }
}
