import { messageOf } from '@ioto/runtime';
import { isPlainObject } from '../items/frozen.ts';
import { coerce } from './coerce.ts';
import { FIELD_TYPES, type FieldType } from './definition.ts';
import { type Generator, parseGenerator } from './generate.ts';
import { invalid } from './invalid.ts';
import { KeyTemplate } from './key-template.ts';

/** One compiled field of a model. */
export interface Field {
  readonly name: string;
  /** Model and path, for messages: `Sensor.settings.led`. */
  readonly path: string;
  readonly type: FieldType;
  /** The field is computed from others. */
  readonly template?: KeyTemplate;
  readonly required: boolean;
  /** Not part of the items that callers get, unless they ask. */
  readonly hidden: boolean;
  /** The item expires at this field's time. */
  readonly ttl: boolean;
  /** No two items of the model may have the same value. */
  readonly unique?: boolean;
  /** Where it is unique, within the items that make the same text of this. */
  readonly scope?: KeyTemplate;
  /** The owner may not change it. */
  readonly readonly?: boolean;
  /** It never leaves the device. */
  readonly local?: boolean;
  /** The value is a part of another attribute's text, where that is all there is of it. */
  readonly encode?: { readonly attribute: string; readonly separator: string; readonly index: number };
  readonly isoDates: boolean;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly generate?: Generator;
  readonly validate?: RegExp;
  /** Fields of an object. */
  readonly schema?: ReadonlyMap<string, Field>;
  /** The elements of an array. */
  readonly items?: Field;
}

/** Rules that are understood; any other is an error, since a rule that is not kept is worse than none. */
const RULES = [
  'type',
  'value',
  'required',
  'hidden',
  'ttl',
  'unique',
  'scope',
  'encode',
  'isoDates',
  'enum',
  'default',
  'generate',
  'validate',
  'schema',
  'items',
  'readonly',
  'discard',
  'sync',
];

/** Rules for others than a database: how items are shown, and how OneTable asks DynamoDB. */
const OTHERS_RULES = [
  'description',
  'comment',
  'notes',
  'show',
  'nulls',
  'partial',
  'filter',
  'reference',
  'fixed',
];

/** Rules of OneTable that cannot be kept here, and what would happen. */
const REFUSED: Readonly<Record<string, string>> = {
  crypt: 'the value would be stored as it is',
  map: 'the value would be stored under its own name',
};

/** `where` is the model's name, followed by the path of the field for nested ones. */
export function compileFields(
  definition: Record<string, unknown>,
  where: string,
  isoDates: boolean,
): Map<string, Field> {
  const fields = new Map<string, Field>();
  for (const [name, rules] of Object.entries(definition)) {
    fields.set(name, compileField(name, rules, `${where}.${name}`, isoDates));
  }
  return fields;
}

function compileField(name: string, rules: unknown, where: string, isoDates: boolean): Field {
  if (!isPlainObject(rules)) throw invalid(where, 'must be an object of rules');
  if (name === '__proto__') throw invalid(where, 'is no name for a field');
  for (const rule of Object.keys(rules)) {
    const refused = Object.hasOwn(REFUSED, rule) ? REFUSED[rule] : undefined;
    if (refused) throw invalid(where, `has the rule ${rule}, which is not supported: ${refused}`);
    if (RULES.includes(rule) || OTHERS_RULES.includes(rule)) continue;
    throw invalid(where, `has the unsupported rule ${rule}`);
  }
  const type = FIELD_TYPES.find((known) => known === rules.type);
  if (!type) throw invalid(where, `type must be one of ${FIELD_TYPES.join(', ')}`);
  const template = compileTemplate(rules.value, where);
  const field: Field = {
    name,
    path: where,
    type,
    template,
    required: flag(rules, 'required', where) ?? false,
    hidden: flag(rules, 'hidden', where) ?? template !== undefined,
    ttl: flag(rules, 'ttl', where) ?? false,
    encode: compileEncode(rules.encode, where),
    unique: flag(rules, 'unique', where) ?? false,
    scope: compileScope(rules, where),
    readonly: flag(rules, 'readonly', where) ?? false,
    local: compileLocal(rules, where),
    isoDates: flag(rules, 'isoDates', where) ?? isoDates,
    enum: compileEnum(rules.enum, where),
    default: rules.default,
    generate: parseGenerator(rules.generate, where),
    validate: compilePattern(rules.validate, where),
    schema: compileNested(rules.schema, type, where, isoDates),
    items:
      rules.items === undefined ? undefined : compileField('items', rules.items, `${where}.items`, isoDates),
  };
  requireDefault(field);
  return field;
}

/** A default that does not fit would fail every item that is made without a value. */
function requireDefault(field: Field): void {
  if (field.default === undefined || field.default === null) return;
  try {
    coerce(field, field.default, 'default');
  } catch (error) {
    throw invalid(field.path, messageOf(error));
  }
}

function flag(rules: Record<string, unknown>, rule: string, where: string): boolean | undefined {
  const value = rules[rule];
  if (value === undefined || typeof value === 'boolean') return value;
  throw invalid(where, `${rule} must be true or false`);
}

function compileTemplate(value: unknown, where: string): KeyTemplate | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw invalid(where, 'value must be text with ${properties}');
  return new KeyTemplate(value);
}

function compileScope(rules: Record<string, unknown>, where: string): KeyTemplate | undefined {
  if (rules.scope === undefined) return undefined;
  if (typeof rules.scope !== 'string' || rules.unique !== true) {
    throw invalid(where, 'scope must be text with ${properties}, of a field that is unique');
  }
  return new KeyTemplate(rules.scope);
}

function compileLocal(rules: Record<string, unknown>, where: string): boolean {
  if (rules.sync !== undefined && rules.sync !== 'none') {
    throw invalid(where, "sync of a field must be 'none' when it is there: a model is synced as a whole");
  }
  return rules.sync === 'none' || flag(rules, 'discard', where) === true;
}

function compileEnum(value: unknown, where: string): readonly unknown[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || value.length === 0) throw invalid(where, 'enum must be a list of values');
  return Object.freeze([...value]);
}

/** OneTable's `encode: [ATTRIBUTE, SEPARATOR, INDEX]`. */
function compileEncode(value: unknown, where: string): Field['encode'] {
  if (value === undefined) return undefined;
  const [attribute, separator, index] = Array.isArray(value) ? value : [];
  if (typeof attribute !== 'string' || typeof separator !== 'string' || !Number.isInteger(index)) {
    throw invalid(where, 'encode must be [attribute, separator, index]');
  }
  return { attribute, separator, index };
}

/** OneTable writes a pattern as `/text/flags`. */
function compilePattern(value: unknown, where: string): RegExp | undefined {
  if (value === undefined) return undefined;
  const match = typeof value === 'string' ? /^\/(.*)\/([a-z]*)$/s.exec(value) : null;
  try {
    if (match) return new RegExp(match[1] ?? '', (match[2] ?? '').replace(/[gy]/g, ''));
  } catch {
    // Reported below, with its place.
  }
  throw invalid(where, 'validate must be a regular expression between slashes');
}

function compileNested(
  value: unknown,
  type: FieldType,
  where: string,
  isoDates: boolean,
): Map<string, Field> | undefined {
  if (value === undefined) return undefined;
  if (type !== 'object' || !isPlainObject(value))
    throw invalid(where, 'schema must be the fields of an object');
  return compileFields(value, where, isoDates);
}
