import { fail } from '../errors.ts';
import { coerce } from '../schema/coerce.ts';
import type { Schema } from '../schema/compile.ts';
import type { Context, Properties } from '../schema/definition.ts';
import type { Field } from '../schema/field.ts';
import { type Model, readPath } from '../schema/model.ts';

/** What turning properties into attributes depends on beside them. */
export interface Circumstances {
  readonly schema: Schema;
  readonly context: Context;
  /** Milliseconds since the epoch. */
  readonly now: number;
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
  const attributes = known(model, properties);
  addContext(model, attributes, circumstances.context);
  for (const field of model.fields.values()) {
    if (attributes[field.name] !== undefined || field.template) continue;
    if (field.default !== undefined)
      attributes[field.name] = coerce(field, field.default, path(model, field));
    else if (field.generate) attributes[field.name] = coerce(field, field.generate(now), path(model, field));
  }
  const { created, updated } = schema.timestamps;
  stamp(model, attributes, created, now);
  stamp(model, attributes, updated, now);
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
  { schema, context, now }: Circumstances,
): Properties {
  const attributes: Attributes = { ...before, ...known(model, properties) };
  for (const [name, value] of Object.entries(properties)) {
    if (value === null && model.fields.has(name)) delete attributes[name];
  }
  addContext(model, attributes, context);
  stamp(model, attributes, schema.timestamps.updated, later(before, schema, now));
  return finish(schema, model, attributes);
}

/** The attributes of an item that comes from elsewhere: its own timestamps, and no defaults. */
export function receivedAttributes(
  model: Model,
  properties: Properties,
  circumstances: Circumstances,
): Properties {
  const { schema, context, now } = circumstances;
  const attributes = known(model, properties);
  addContext(model, attributes, context);
  const { updated } = schema.timestamps;
  if (updated !== undefined && attributes[updated] === undefined) stamp(model, attributes, updated, now);
  return finish(schema, model, attributes);
}

/** What names a removed item on the wire: the properties of its key, its type, and when it was removed. */
export function tombstoneAttributes(
  model: Model,
  before: Properties,
  { schema, now }: Circumstances,
): Properties {
  const attributes: Attributes = { [schema.typeField]: model.name };
  for (const name of model.keyVariables) {
    const top = name.split('.')[0] as string;
    if (before[top] !== undefined) attributes[top] = before[top];
  }
  stamp(model, attributes, schema.timestamps.updated, later(before, schema, now));
  return Object.freeze(attributes);
}

/** The same attributes, `updated` later than that of `before`. */
export function restamped(
  model: Model,
  attributes: Properties,
  before: Properties,
  { schema, now }: Circumstances,
): Properties {
  const result = { ...attributes };
  stamp(model, result, schema.timestamps.updated, later(before, schema, now));
  return Object.freeze(result);
}

/** The same item under another context. */
export function movedAttributes(model: Model, before: Properties, context: Context): Properties {
  const attributes = { ...before };
  addContext(model, attributes, context);
  addTemplates(model, attributes);
  return Object.freeze(attributes);
}

function known(model: Model, properties: Properties): Attributes {
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    const field = model.fields.get(name);
    if (field && !field.template) attributes[name] = coerce(field, value, path(model, field));
  }
  return attributes;
}

function addContext(model: Model, attributes: Attributes, context: Context): void {
  for (const [name, value] of Object.entries(context)) {
    if (value && model.fields.has(name)) attributes[name] = value;
  }
}

function stamp(model: Model, attributes: Attributes, name: string | undefined, time: number): void {
  const field = name === undefined ? undefined : model.fields.get(name);
  if (field) attributes[field.name] = coerce(field, new Date(time), path(model, field));
}

function later(before: Properties, schema: Schema, now: number): number {
  const { updated } = schema.timestamps;
  const previous = updated === undefined ? undefined : before[updated];
  const time = new Date(previous as string | number).getTime();
  return Number.isNaN(time) ? now : Math.max(now, time + 1);
}

function finish(schema: Schema, model: Model, attributes: Attributes): Properties {
  addTemplates(model, attributes);
  for (const field of model.fields.values()) {
    if (!field.required || attributes[field.name] !== undefined || model.keyFields.has(field.name)) continue;
    throw fail('FIELD_REQUIRED', `${path(model, field)} is required`, {
      details: { model: model.name, field: field.name },
    });
  }
  attributes[schema.typeField] = model.name;
  return Object.freeze(attributes);
}

function addTemplates(model: Model, attributes: Attributes): void {
  for (const field of model.fields.values()) {
    if (!field.template || model.keyFields.has(field.name)) continue;
    const { text, missing } = field.template.resolve((name) => readPath(attributes, name));
    if (missing === undefined) attributes[field.name] = text;
    else delete attributes[field.name];
  }
}

function path(model: Model, field: Field): string {
  return `${model.name}.${field.name}`;
}
