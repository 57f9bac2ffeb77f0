import { FIELD_TIMES, nextTime } from '@ioto/protocol';
import { fail } from '../errors.ts';
import { coerce } from '../schema/coerce.ts';
import type { Schema } from '../schema/compile.ts';
import type { Context, Properties } from '../schema/definition.ts';
import type { Model } from '../schema/model.ts';
import { own } from '../schema/path.ts';
import { noteFieldTimes } from './field-times.ts';

/** What turning properties into attributes depends on beside them. */
export interface Circumstances {
  readonly schema: Schema;
  readonly context: Context;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The same as ISO 8601 text. */
  readonly isoNow: string;
}

type Attributes = Record<string, unknown>;

/**
 * The attributes of a new item: what the model knows of the properties, coerced; the context; defaults, generated IDs,
 * timestamps and value templates. Properties that the model does not know are left out, as OneTable does.
 *
 * @throws FIELD_INVALID, FIELD_REQUIRED
 */
export function newAttributes(
  model: Model,
  properties: Properties,
  circumstances: Circumstances,
): Properties {
  const { schema, now } = circumstances;
  const attributes = inContext(model, circumstances.context);
  for (const field of model.given) {
    if (attributes[field.name] !== undefined) continue;
    const value = own(properties, field.name) ?? field.default ?? field.generate?.(now);
    if (value !== undefined && value !== null) attributes[field.name] = coerce(field, value, field.path);
  }
  const { created, updated } = schema.timestamps;
  stamp(model, attributes, created, circumstances);
  stamp(model, attributes, updated, circumstances);
  if (model.merges) delete attributes[FIELD_TIMES];
  return finish(schema, model, attributes);
}

/**
 * The attributes of an item with some of them replaced; null takes one away. `updated` always grows, so that of two
 * versions of an item the later one is newer even when the clock was set back or stands still.
 *
 * @throws FIELD_INVALID, FIELD_REQUIRED
 */
export function changedAttributes(
  model: Model,
  before: Properties,
  properties: Properties,
  circumstances: Circumstances,
): Properties {
  const { schema, context } = circumstances;
  const attributes = inContext(model, context);
  for (const field of model.given) {
    if (attributes[field.name] !== undefined) continue;
    const value = own(properties, field.name);
    if (value === null) continue;
    const next = value === undefined ? before[field.name] : coerce(field, value, field.path);
    if (next !== undefined) attributes[field.name] = next;
  }
  keepUnknown(schema, model, before, attributes);
  stamp(model, attributes, schema.timestamps.updated, circumstances, before);
  if (model.merges) noteFieldTimes(model, before, attributes);
  return finish(schema, model, attributes);
}

/**
 * The attributes of an item that comes from elsewhere: its own timestamps, and no defaults. Fields that never leave the
 * device are as they were before.
 */
export function receivedAttributes(
  model: Model,
  properties: Properties,
  circumstances: Circumstances,
  before: Properties = {},
): Properties {
  const { schema, context } = circumstances;
  const attributes = inContext(model, context);
  for (const field of model.given) {
    if (attributes[field.name] !== undefined) continue;
    const value = own(field.local ? before : properties, field.name);
    if (value !== undefined && value !== null) attributes[field.name] = coerce(field, value, field.path);
  }
  const { updated } = schema.timestamps;
  if (updated !== undefined && attributes[updated] === undefined) {
    stamp(model, attributes, updated, circumstances);
  }
  return finish(schema, model, attributes);
}

/** What names a removed item on the wire: the properties of its key, its type, and when it was removed. */
export function removalAttributes(
  model: Model,
  before: Properties,
  circumstances: Circumstances,
): Properties {
  const { schema } = circumstances;
  const attributes: Attributes = { [schema.typeField]: model.name };
  for (const name of model.keyVariables) {
    const top = name.split('.')[0] as string;
    if (before[top] !== undefined) attributes[top] = before[top];
  }
  stamp(model, attributes, schema.timestamps.updated, circumstances, before);
  return Object.freeze(attributes);
}

/** The same attributes, `updated` later than that of `before`. */
export function restamped(
  model: Model,
  attributes: Properties,
  before: Properties,
  circumstances: Circumstances,
): Properties {
  const result = { ...attributes };
  stamp(model, result, circumstances.schema.timestamps.updated, circumstances, before);
  return Object.freeze(result);
}

/** The same item under another context. */
export function movedAttributes(model: Model, before: Properties, context: Context): Properties {
  const attributes = { ...before };
  for (const [name, value] of model.contextValues(context)) attributes[name] = value;
  addComputed(model, attributes);
  return Object.freeze(attributes);
}

function inContext(model: Model, context: Context): Attributes {
  const attributes: Attributes = {};
  for (const [name, value] of model.contextValues(context)) attributes[name] = value;
  return attributes;
}

/** Attributes of a field that the schema has no more stay until the item is replaced. */
function keepUnknown(schema: Schema, model: Model, before: Properties, attributes: Attributes): void {
  for (const name of Object.keys(before)) {
    if (!model.fields.has(name) && name !== schema.typeField) attributes[name] = before[name];
  }
}

/** Sets a timestamp; later than that of `before` in any case. */
function stamp(
  model: Model,
  attributes: Attributes,
  name: string | undefined,
  { now, isoNow }: Circumstances,
  before?: Properties,
): void {
  const field = name === undefined ? undefined : model.fields.get(name);
  if (!field) return;
  const time = before ? nextTime(now, before[field.name]) : now;
  if (time === now && field.type === 'date') attributes[field.name] = field.isoDates ? isoNow : now;
  else attributes[field.name] = coerce(field, new Date(time), field.path);
}

function finish(schema: Schema, model: Model, attributes: Attributes): Properties {
  addComputed(model, attributes);
  for (const field of model.required) {
    if (attributes[field.name] !== undefined) continue;
    throw fail('FIELD_REQUIRED', `${field.path} is required`, {
      details: { model: model.name, field: field.name },
    });
  }
  attributes[schema.typeField] = model.name;
  return Object.freeze(attributes);
}

function addComputed(model: Model, attributes: Attributes): void {
  for (const [{ name }, template] of model.computed) {
    const { text, missing } = template.fill(attributes);
    if (missing === undefined) attributes[name] = text;
    else if (attributes[name] !== undefined) delete attributes[name];
  }
}
