import type { Database, Item, Model } from '@ioto/database';
import { webError } from '../errors.ts';

/** Every item has them from where it lies, whoever writes it. */
const OWNERSHIP = ['accountId', 'deviceId'];

type Properties = Record<string, unknown>;

/** What of an item's properties its address says, in the order of its keys. */
export function keyNames({ keyVariables }: Model): string[] {
  return [...new Set(keyVariables)].filter((name) => !OWNERSHIP.includes(name));
}

/**
 * The properties that an address names.
 *
 * @throws WEB_NOT_FOUND where it names more or fewer than the key is made of
 */
export function propertiesOfKey(model: Model, values: readonly string[]): Properties {
  const names = keyNames(model);
  if (values.length !== names.length || values.includes('')) {
    throw webError(
      'WEB_NOT_FOUND',
      `A ${model.name} is at ${[model.name, ...names.map((name) => `{${name}}`)].join('/')}`,
    );
  }
  const properties: Properties = {};
  names.forEach((name, at) => {
    set(properties, name.split('.'), values[at]);
  });
  return properties;
}

/** The part of an item's address that says which of its model it is; undefined where a path cannot say it. */
export function addressOf(model: Model, item: Item): string | undefined {
  const parts = keyNames(model).map((name) => {
    const value = name.split('.').reduce<unknown>((at, each) => (at as Properties | undefined)?.[each], item);
    return value === undefined ? '' : String(value);
  });
  if (parts.some((part) => part === '' || part.startsWith('.') || /[/\\\0]/.test(part))) return undefined;
  return [model.name, ...parts].map(encodeURIComponent).join('/');
}

/**
 * What a client may set of an item, of what it sent. What every item has of itself is left out, so that an item can be sent
 * back as it was got.
 *
 * @throws WEB_BODY_SYNTAX for what is no object, and for a field that there is not, or not for clients
 */
export function settableOf(model: Model, { schema }: Database, sent: unknown): Properties {
  if (typeof sent !== 'object' || sent === null || Array.isArray(sent)) {
    throw webError('WEB_BODY_SYNTAX', `The body must be an object: the fields of a ${model.name}`);
  }
  const properties: Properties = {};
  for (const [name, value] of Object.entries(sent)) {
    if (isGiven(model, schema, name)) continue;
    requireField(model, name);
    properties[name] = value;
  }
  return properties;
}

/**
 * The fields that the items of a list must have, of a query.
 *
 * @throws WEB_BODY_SYNTAX
 */
export function filterOf(model: Model, query: URLSearchParams): Properties {
  const properties: Properties = {};
  for (const [name, text] of query) {
    if (name === 'limit' || name === 'next') continue;
    const field = requireField(model, name);
    const value = field.type === 'number' ? Number(text) : field.type === 'boolean' ? text === 'true' : text;
    if (field.type === 'object' || field.type === 'array') {
      throw webError('WEB_BODY_SYNTAX', `${name} is no field that a query can ask for`);
    }
    properties[name] = value;
  }
  return properties;
}

/** What of an item is gone when it is another as a whole: null for every field that a client could have set and did not. */
export function othersOf(model: Model, { schema }: Database, properties: Properties): Properties {
  const keys = new Set(keyNames(model).map((name) => name.split('.')[0]));
  const others: Properties = {};
  for (const { name, hidden } of model.given) {
    if (hidden || keys.has(name) || isGiven(model, schema, name) || Object.hasOwn(properties, name)) continue;
    others[name] = null;
  }
  return others;
}

/** @throws WEB_CONFLICT where a client changes what only the device's program may */
export function requireWritable(model: Model, properties: Properties, before: Item): void {
  for (const { name, readonly } of model.given) {
    if (!readonly || !Object.hasOwn(properties, name)) continue;
    if (JSON.stringify(properties[name] ?? null) === JSON.stringify(before[name] ?? null)) continue;
    throw webError('WEB_CONFLICT', `${name} of a ${model.name} is not to be changed`);
  }
}

function isGiven(model: Model, { typeField, timestamps }: Database['schema'], name: string): boolean {
  if (OWNERSHIP.includes(name) || [typeField, timestamps.created, timestamps.updated].includes(name))
    return true;
  // Computed of other fields, and shown.
  const field = model.fields.get(name);
  return field?.template !== undefined && !field.hidden;
}

function requireField(model: Model, name: string) {
  const field = model.fields.get(name);
  if (field && !field.hidden && !OWNERSHIP.includes(name) && !model.keyFields.has(name)) return field;
  throw webError('WEB_BODY_SYNTAX', `A ${model.name} has no field ${JSON.stringify(name.slice(0, 64))}`);
}

function set(properties: Properties, [first = '', ...rest]: string[], value: unknown): void {
  if (rest.length === 0) {
    properties[first] = value;
    return;
  }
  const inner = (properties[first] ?? {}) as Properties;
  properties[first] = inner;
  set(inner, rest, value);
}
