import type { Schema } from './typebox.ts';
import { ANY_NAME } from './typebox.ts';

/** Where a value is not what its schema says. */
interface Problem {
  /** JSON pointer [RFC 6901]. */
  instancePath: string;
}

export function Check(schema: Schema, value: unknown): boolean {
  return problemAt(schema, value, '') === undefined;
}

/** The first place that is wrong, if any. */
export function Errors(schema: Schema, value: unknown): Problem[] {
  const instancePath = problemAt(schema, value, '');
  return instancePath === undefined ? [] : [{ instancePath }];
}

/** Fills in the defaults of what is missing, within `value` too. */
export function Default(schema: Schema, value: unknown): unknown {
  const filled = value === undefined ? structuredClone(schema.default) : value;
  const { properties, items } = schema;
  if (Array.isArray(filled) && items && !isList(items)) return filled.map((each) => Default(items, each));
  if (!properties || !isObject(filled)) return filled;
  for (const [name, inner] of Object.entries(properties)) {
    const held = Default(inner, filled[name]);
    if (held !== undefined) filled[name] = held;
  }
  return filled;
}

/** The pointer to the first thing that is wrong in a value, which itself stands at `path`. */
function problemAt(schema: Schema, value: unknown, path: string): string | undefined {
  if (!isAsSaid(schema, value)) return path;
  for (const each of schema.allOf ?? []) {
    const problem = problemAt(each, value, path);
    if (problem !== undefined) return problem;
  }
  if (!Array.isArray(value) && !isObject(value)) return undefined;
  for (const [name, held] of Object.entries(value)) {
    const inner = Array.isArray(value) ? itemOf(schema, Number(name)) : propertyOf(schema, name);
    const isMissing = held === undefined && mayBeMissing(schema, name);
    const problem = inner && !isMissing ? problemAt(inner, held, `${path}/${escaped(name)}`) : undefined;
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** What may be missing may also be there without a value. */
function mayBeMissing({ properties = {}, required = [] }: Schema, name: string): boolean {
  return Object.hasOwn(properties, name) && !required.includes(name);
}

/** Whether a value is right but for what it holds. */
function isAsSaid(schema: Schema, value: unknown): boolean {
  if (schema.const !== undefined && value !== schema.const) return false;
  if (schema.anyOf && !schema.anyOf.some((each) => Check(each, value))) return false;
  if (!isOfType(schema, value)) return false;
  if (typeof value === 'string') return isText(schema, value);
  if (typeof value === 'number') return isBetween(value, schema.minimum, schema.maximum);
  if (Array.isArray(value)) return isArray(schema, value);
  return !isObject(value) || isWhole(schema, value);
}

function isOfType({ type }: Schema, value: unknown): boolean {
  switch (type) {
    case undefined:
      return true;
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return Number.isFinite(value);
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isObject(value);
    default:
      // What is left are names of types of the language.
      return typeof value === type;
  }
}

function isText({ minLength = 0, maxLength = Infinity, pattern }: Schema, value: string): boolean {
  return (
    (minLength === 0 || hasAtLeast(value, minLength)) &&
    (value.length <= maxLength || !hasAtLeast(value, maxLength + 1)) &&
    (pattern === undefined || new RegExp(pattern, 'u').test(value))
  );
}

/** Characters, of which some take two places; without going through a text that is far too long. */
function hasAtLeast(value: string, least: number): boolean {
  return [...value.slice(0, 2 * least)].length >= least;
}

function isArray({ items, additionalItems, minItems, maxItems }: Schema, value: readonly unknown[]): boolean {
  const most = additionalItems === false && isList(items) ? items.length : maxItems;
  return isBetween(value.length, minItems, most);
}

function isWhole(schema: Schema, value: object): boolean {
  const names = Object.keys(value);
  return (
    (schema.required ?? []).every((name) => Object.hasOwn(value, name)) &&
    isBetween(names.length, 0, schema.maxProperties) &&
    (schema.additionalProperties !== false || names.every((name) => propertyOf(schema, name)))
  );
}

/** True for what is no number too: of which type it must be is said elsewhere. */
function isBetween(value: number, least = -Infinity, most = Infinity): boolean {
  return !(value < least || value > most);
}

function itemOf({ items }: Schema, index: number): Schema | undefined {
  return isList(items) ? items[index] : items;
}

function propertyOf({ properties, patternProperties }: Schema, name: string): Schema | undefined {
  if (properties && Object.hasOwn(properties, name)) return properties[name];
  return patternProperties?.[ANY_NAME];
}

function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

function isList<T>(value: T | readonly T[] | undefined): value is readonly T[] {
  return Array.isArray(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
