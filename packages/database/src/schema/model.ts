import { fail } from '../errors.ts';
import { coerce } from './coerce.ts';
import type { Context, Durability, ItemKey, Properties, Sync } from './definition.ts';
import type { Field } from './field.ts';
import { KeyTemplate, type Lookup } from './key-template.ts';

/** Longest keys in characters, as DynamoDB's in bytes: what is stored here must fit there. */
const MAX_PK = 2048;
const MAX_SK = 1024;

/** What a caller's properties say about keys: with `pk` and a whole `sk` one item, else those whose `sk` begins so. */
export interface KeyRange {
  /** Undefined when a property that it is made of is missing. */
  pk?: string;
  sk: string;
  /** Both keys are whole. */
  complete: boolean;
}

export interface ModelOptions {
  name: string;
  fields: ReadonlyMap<string, Field>;
  /** Names of the primary key's attributes; a model may do without a sort key. */
  hash: string;
  sort?: string;
  sync: Sync;
  durability?: Durability;
}

/** One compiled model: its fields, its keys, and how its items are kept and synced. */
export class Model {
  readonly name: string;
  readonly fields: ReadonlyMap<string, Field>;
  readonly sync: Sync;
  /** The schema's own choice; undefined leaves it to the database. */
  readonly durability: Durability | undefined;
  /** Names of the stored fields that callers do not see. */
  readonly hidden: ReadonlySet<string>;
  /** Names of the fields that are the key itself, and are not stored beside it. */
  readonly keyFields: ReadonlySet<string>;
  readonly #pk: KeyTemplate;
  readonly #sk: KeyTemplate;
  /** Key variables whose text depends on their type. */
  readonly #coerced: ReadonlyMap<string, Field>;

  constructor({ name, fields, hash, sort, sync, durability }: ModelOptions) {
    this.name = name;
    this.fields = fields;
    this.sync = sync;
    this.durability = durability;
    this.#pk = keyTemplate(fields, hash);
    this.#sk = sort === undefined ? new KeyTemplate('') : keyTemplate(fields, sort);
    const keys = sort === undefined ? [hash] : [hash, sort];
    this.keyFields = new Set(keys.filter((key) => fields.get(key)?.template));
    this.#coerced = new Map(
      [...fields].filter(([, { type }]) => type === 'date' || type === 'number' || type === 'boolean'),
    );
    const stored = [...fields.values()].filter((field) => !this.keyFields.has(field.name));
    this.hidden = new Set(stored.filter((field) => field.hidden).map((field) => field.name));
  }

  /** True when changes of its items go to the cloud. */
  get syncsUp(): boolean {
    return this.sync === 'up' || this.sync === 'both';
  }

  /** Names of the properties that its keys are made of. */
  get keyVariables(): readonly string[] {
    return [...this.#pk.variables, ...this.#sk.variables];
  }

  /**
   * The key of the item with these properties. The context's values win over the properties' (unless they are empty).
   *
   * @throws KEY_INCOMPLETE naming the property that is missing; KEY_INVALID.
   */
  keyOf(properties: Properties, context: Context = {}): ItemKey {
    const lookup = this.#lookupIn(properties, context);
    const pk = this.#pk.resolve(lookup);
    const sk = this.#sk.resolve(lookup);
    const missing = pk.missing ?? sk.missing;
    if (missing !== undefined) {
      throw fail('KEY_INCOMPLETE', `${this.name} needs ${missing}: its key is made of it`, {
        details: { model: this.name, field: missing },
      });
    }
    this.#checkLength(pk.text, sk.text);
    return { pk: pk.text, sk: sk.text };
  }

  /** As much of the key as the properties tell. */
  keyRange(properties: Properties, context: Context = {}): KeyRange {
    const lookup = this.#lookupIn(properties, context);
    const pk = this.#pk.resolve(lookup);
    const sk = this.#sk.resolve(lookup);
    return {
      pk: pk.missing === undefined ? pk.text : undefined,
      sk: sk.text,
      complete: pk.missing === undefined && sk.missing === undefined,
    };
  }

  /** The properties, as text, that a sort key is made of; undefined when it is none of this model's. */
  parseSortKey(sk: string): Record<string, string> | undefined {
    return this.#sk.match(sk);
  }

  /** The properties, as text, that a key is made of; undefined when it is none of this model's. */
  parseKey({ pk, sk }: ItemKey): Record<string, string> | undefined {
    const hash = this.#pk.match(pk);
    const sort = this.#sk.match(sk);
    if (!hash || !sort) return undefined;
    for (const [name, value] of Object.entries(hash)) {
      if (name in sort && sort[name] !== value) return undefined;
    }
    return { ...hash, ...sort };
  }

  /** Values become text as they are stored, so that a date finds its item in whatever form it is given. */
  #lookupIn(properties: Properties, context: Context): Lookup {
    return (name) => {
      if (Object.hasOwn(context, name) && context[name]) return context[name];
      const own = readPath(properties, name);
      if (own === undefined && Object.hasOwn(context, name)) return context[name];
      const field = this.#coerced.get(name);
      return field && own !== undefined && own !== null ? coerce(field, own, `${this.name}.${name}`) : own;
    };
  }

  #checkLength(pk: string, sk: string): void {
    if (pk.length <= MAX_PK && sk.length <= MAX_SK) return;
    throw fail(
      'KEY_INVALID',
      `the key of this ${this.name} is too long: at most ${MAX_PK} characters (pk) and ${MAX_SK} (sk)`,
    );
  }
}

/** A key attribute without a template is a plain property of the item. */
function keyTemplate(fields: ReadonlyMap<string, Field>, attribute: string): KeyTemplate {
  return fields.get(attribute)?.template ?? new KeyTemplate(`\${${attribute}}`);
}

/** Reads `a.b.c` of nested objects; own properties only. */
export function readPath(value: unknown, path: string): unknown {
  if (!path.includes('.')) return own(value, path);
  let found: unknown = value;
  for (const name of path.split('.')) found = own(found, name);
  return found;
}

function own(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
