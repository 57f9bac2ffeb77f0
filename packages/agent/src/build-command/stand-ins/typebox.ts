/**
 * What the agent and its packages use of the library typebox, for the files that `ioto build` makes: the same schemas, which
 * are JSON Schema, by a fiftieth of the code. The library can do much more, and was a third of such a file.
 */

/** Marks a schema of a property that may be missing; no part of it as JSON. */
const OPTIONAL = Symbol('optional');

/** A schema as JSON Schema, as far as it is used here. */
export interface Schema {
  [OPTIONAL]?: true;
  type?: 'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object';
  const?: string | number | boolean;
  anyOf?: readonly Schema[];
  allOf?: readonly Schema[];
  /** Of every item, or of a tuple's one after the other. */
  items?: Schema | readonly Schema[];
  additionalItems?: false;
  required?: readonly string[];
  properties?: Readonly<Record<string, Schema>>;
  patternProperties?: Readonly<Record<string, Schema>>;
  additionalProperties?: boolean;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  maxProperties?: number;
  default?: unknown;
  description?: string;
  unit?: string;
}

/** What may be said of a schema beside its kind. Anything else would not be checked, and is therefore an error. */
export const KNOWN_OPTIONS: ReadonlySet<string> = new Set([
  'additionalProperties',
  'default',
  'description',
  'maximum',
  'maxItems',
  'maxLength',
  'maxProperties',
  'minimum',
  'minItems',
  'minLength',
  'pattern',
  'unit',
]);

/** Names of a record's properties are not looked at: all records here have any text for a name. */
export const ANY_NAME = '^.*$';

export const Type = {
  String: (options?: Schema) => made({ type: 'string' }, options),
  Number: (options?: Schema) => made({ type: 'number' }, options),
  Integer: (options?: Schema) => made({ type: 'integer' }, options),
  Boolean: (options?: Schema) => made({ type: 'boolean' }, options),
  Unknown: (options?: Schema) => made({}, options),
  Literal: (value: string | number | boolean, options?: Schema) =>
    made({ type: typeof value as 'string' | 'number' | 'boolean', const: value }, options),
  Array: (items: Schema, options?: Schema) => made({ type: 'array', items }, options),
  Tuple: (items: readonly Schema[], options?: Schema) =>
    made({ type: 'array', additionalItems: false, items, minItems: items.length }, options),
  Union: (anyOf: readonly Schema[], options?: Schema) => made({ anyOf }, options),
  Intersect: (allOf: readonly Schema[], options?: Schema) => made({ allOf }, options),
  Record: (_name: Schema, value: Schema, options?: Schema) =>
    made({ type: 'object', patternProperties: { [ANY_NAME]: value } }, options),
  Object: (properties: Readonly<Record<string, Schema>>, options?: Schema) => {
    const required = Object.keys(properties).filter((name) => !properties[name]?.[OPTIONAL]);
    return made({ type: 'object', ...(required.length > 0 && { required }), properties }, options);
  },
  Optional: (schema: Schema): Schema => ({ ...schema, [OPTIONAL]: true }),
  Partial: ({ required: _, ...schema }: Schema, options?: Schema) => made(schema, options),
  Unsafe: (schema: Schema): Schema => schema,
};

function made(schema: Schema, options: Schema = {}): Schema {
  const unknown = Object.keys(options).find((name) => !KNOWN_OPTIONS.has(name));
  if (unknown !== undefined) throw new Error(`the stand-in for typebox does not know the option ${unknown}`);
  return { ...schema, ...options };
}
