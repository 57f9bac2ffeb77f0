import { fail } from '../errors.ts';
import { frozenCopy, isPlainObject } from '../items/frozen.ts';
import type { Field } from './field.ts';
import { isCanonicalTime } from './iso-text.ts';

/**
 * The stored form of a value for its field, deeply frozen: text, finite number, boolean, ISO 8601 text (or milliseconds
 * when the field's `isoDates` is off), JSON object or array, base64 text. Never null or undefined.
 *
 * @throws FIELD_INVALID naming model and field.
 */
export function coerce(field: Field, value: unknown, where: string): unknown {
  if (isPlain(field, value)) return value;
  const result = toType(field, value, where);
  if (result === undefined) {
    throw fail('FIELD_INVALID', `${where} must be a ${field.type}, not ${shown(value)}`);
  }
  if (field.enum && !field.enum.includes(result)) {
    throw fail('FIELD_INVALID', `${where} must be one of ${field.enum.join(', ')}, not ${shown(value)}`);
  }
  if (field.validate && !field.validate.test(String(result))) {
    throw fail('FIELD_INVALID', `${where} does not match ${String(field.validate)}`);
  }
  return result;
}

/** Most values are of their type already, and no rule looks at them. */
function isPlain(field: Field, value: unknown): boolean {
  if (field.enum || field.validate || typeof value !== field.type) return false;
  return typeof value === 'number' ? Number.isFinite(value) : typeof value !== 'object';
}

function toType(field: Field, value: unknown, where: string): unknown {
  switch (field.type) {
    case 'string':
      return toText(value);
    case 'number':
      return toNumber(value);
    case 'boolean':
      return toBoolean(value);
    case 'date':
      return toDate(value, field.isoDates);
    case 'binary':
      return typeof value === 'string' || value instanceof Uint8Array ? frozenCopy(value, where) : undefined;
    case 'object':
      return isPlainObject(value) ? toObject(field, value, where) : undefined;
    case 'array':
      return Array.isArray(value) ? toArray(field, value, where) : undefined;
  }
}

function toText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  return value instanceof Date && isValid(value) ? value.toISOString() : undefined;
}

function toNumber(value: unknown): number | undefined {
  const number =
    typeof value === 'string' && value.trim() !== ''
      ? Number(value)
      : typeof value === 'boolean' || value instanceof Date
        ? Number(value)
        : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

function toBoolean(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (value === 1 || value === 'true' || value === '1') return true;
  if (value === 0 || value === 'false' || value === '0') return false;
  return undefined;
}

function toDate(value: unknown, iso: boolean): string | number | undefined {
  if (typeof value !== 'string' && typeof value !== 'number' && !(value instanceof Date)) return undefined;
  if (iso && typeof value === 'string' && isCanonicalTime(value)) return value;
  const date = new Date(value);
  if (!isValid(date)) return undefined;
  return iso ? date.toISOString() : date.getTime();
}

function isValid(date: Date): boolean {
  return !Number.isNaN(date.getTime());
}

/** A nested schema says which properties an object may have; without one it may have any. */
function toObject(field: Field, value: Record<string, unknown>, where: string): unknown {
  if (!field.schema) return frozenCopy(value, where);
  const result: Record<string, unknown> = {};
  for (const nested of field.schema.values()) {
    const path = `${where}.${nested.name}`;
    const own = value[nested.name] ?? nested.default;
    if (own !== undefined && own !== null) result[nested.name] = coerce(nested, own, path);
    else if (nested.required) throw fail('FIELD_REQUIRED', `${path} is required`);
  }
  return Object.freeze(result);
}

function toArray(field: Field, value: readonly unknown[], where: string): unknown {
  const items = field.items;
  if (!items) return frozenCopy(value, where);
  return Object.freeze(value.map((element, at) => coerce(items, element, `${where}[${at}]`)));
}

/** Values may be private or long: an error shows what kind they are, and only short plain ones themselves. */
function shown(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'object') return Array.isArray(value) ? 'an array' : 'an object';
  const text = String(value);
  return text.length <= 40 ? JSON.stringify(text) : `a ${typeof value} of ${text.length} characters`;
}
