import { fail } from '../errors.ts';

/** Deeper than this no value may be nested: what comes from outside must not exhaust the stack. */
const MAX_DEPTH = 32;

/**
 * A deep frozen copy of a JSON-like value. Dates become ISO text, bytes base64, `undefined` is left out.
 *
 * @throws FIELD_INVALID for what JSON cannot hold.
 */
export function frozenCopy(value: unknown, where: string, depth = 0): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'object') {
    if (depth >= MAX_DEPTH) throw fail('FIELD_INVALID', `${where} is nested deeper than ${MAX_DEPTH} levels`);
    if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
    if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
    if (Array.isArray(value)) {
      return Object.freeze(
        value.map((element, at) => frozenCopy(element ?? null, `${where}[${at}]`, depth + 1)),
      );
    }
    if (isPlainObject(value)) return frozenObject(value, where, depth);
  }
  throw fail('FIELD_INVALID', `${where} holds a ${describe(value)}, which cannot be stored`);
}

function frozenObject(value: Record<string, unknown>, where: string, depth: number): object {
  const copy: Record<string, unknown> = {};
  for (const [name, element] of Object.entries(value)) {
    if (element === undefined) continue;
    if (name === '__proto__') throw fail('FIELD_INVALID', `${where} may not have a property named __proto__`);
    copy[name] = frozenCopy(element, `${where}.${name}`, depth + 1);
  }
  return Object.freeze(copy);
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function describe(value: unknown): string {
  return typeof value === 'number' ? String(value) : typeof value;
}
