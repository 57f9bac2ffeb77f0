const TYPES = ['string', 'number', 'boolean', 'object', 'array', 'date'] as const;
type ValueType = (typeof TYPES)[number];

/** What a value may look like. */
export interface Shape {
  /** `any`: whatever it is; `none`: there is nothing. */
  readonly type: ValueType | 'any' | 'none';
  /** Elements of an array. */
  readonly of?: Shape | undefined;
  /** Of an object; undefined: any. */
  readonly fields?: ReadonlyMap<string, Shape> | undefined;
  readonly required?: boolean;
  /** It is left out. */
  readonly discard?: boolean;
  readonly default?: unknown;
}

/** Makes the error about what stands at a path of the file. */
export type Bad = (path: readonly string[], problem: string) => Error;

const ANY: Shape = { type: 'any' };
const KNOWN = new Set(['type', 'of', 'items', 'fields', 'required', 'discard', 'default', 'description']);

/**
 * Reads a shape: null for nothing, the name of a type, `{ type, of, fields, required, discard, default }`, or fields alone.
 *
 * @throws what `bad` makes of anything else
 */
export function compileShape(raw: unknown, path: readonly string[], bad: Bad): Shape {
  if (raw === undefined) return ANY;
  if (raw === null) return { type: 'none' };
  if (typeof raw === 'string') return { type: typeOf(raw, path, bad) };
  if (!isObject(raw)) throw bad(path, 'must be null, the name of a type, or an object');
  const isSpoken = typeof raw.type === 'string' || isObject(raw.fields) || 'of' in raw || 'items' in raw;
  if (!isSpoken && !isFieldRule(raw)) {
    return Object.keys(raw).length === 0 ? ANY : { type: 'object', fields: compileFields(raw, path, bad) };
  }
  const unknown = Object.keys(raw).find((name) => !KNOWN.has(name));
  if (unknown !== undefined) throw bad([...path, unknown], `is no rule: ${[...KNOWN].join(', ')} are known`);
  const elements = 'of' in raw ? 'of' : 'items' in raw ? 'items' : undefined;
  const type =
    raw.type === undefined
      ? raw.fields !== undefined
        ? 'object'
        : elements
          ? 'array'
          : 'any'
      : typeOf(raw.type, [...path, 'type'], bad);
  for (const name of ['required', 'discard']) {
    if (raw[name] !== undefined && typeof raw[name] !== 'boolean')
      throw bad([...path, name], 'must be true or false');
  }
  return {
    type,
    of: elements && compileShape(raw[elements], [...path, elements], bad),
    fields: raw.fields === undefined ? undefined : compileFields(raw.fields, [...path, 'fields'], bad),
    required: raw.required === true,
    discard: raw.discard === true,
    default: raw.default,
  };
}

function compileFields(raw: unknown, path: readonly string[], bad: Bad): Map<string, Shape> {
  if (!isObject(raw)) throw bad(path, 'must be an object of fields');
  return new Map(Object.entries(raw).map(([name, each]) => [name, compileShape(each, [...path, name], bad)]));
}

/** A field may say no type, and only that it must be there. */
function isFieldRule(raw: Record<string, unknown>): boolean {
  return typeof raw.required === 'boolean' || typeof raw.discard === 'boolean';
}

function typeOf(name: unknown, path: readonly string[], bad: Bad): ValueType {
  const type = TYPES.find((each) => each === name);
  if (type) return type;
  throw bad(path, `must be one of ${TYPES.join(', ')}`);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
