import { FIELD_TIMES } from '@ioto/protocol';
import { fail } from '../errors.ts';
import { BoundTemplate } from './bound-template.ts';
import type { Context, Durability, ItemKey, Properties, Sync } from './definition.ts';
import type { Field } from './field.ts';
import { IndexKeys } from './index-keys.ts';
import type { IndexDefinition } from './indexes.ts';
import { KeyTemplate } from './key-template.ts';
import type { ModelProcess, QueueRule, WebRule } from './process.ts';

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

export interface ModelOptions extends ModelProcess {
  name: string;
  fields: ReadonlyMap<string, Field>;
  /** The schema's indexes, `primary` among them; a model may do without a sort key. */
  indexes: ReadonlyMap<string, IndexDefinition>;
  timestamps: { readonly created?: string; readonly updated?: string };
}

/** The keys of a model under one context. */
interface Binding {
  readonly context: Context;
  readonly values: readonly (readonly [name: string, value: string])[];
  readonly pk: BoundTemplate;
  readonly sk: BoundTemplate;
  readonly indexKeys: IndexKeys;
}

/** A field and what computes it of the item's other attributes. */
export type Computed = readonly [field: Field, template: BoundTemplate];

/** Names of the fields that every item has from its context. */
const OWNERSHIP = ['accountId', 'deviceId'];

const NO_FIELDS: ReadonlyMap<string, Field> = new Map();
const NO_CONTEXT: Context = Object.freeze({});

/** One compiled model: its fields, its keys, and how its items are kept and synced. */
export class Model {
  readonly name: string;
  readonly fields: ReadonlyMap<string, Field>;
  readonly sync: Sync;
  /** The schema's own choice; undefined leaves it to the database. */
  readonly durability: Durability | undefined;
  /** 0 to 9; changes of a higher one go up first. */
  readonly priority: number;
  /** How many changes may wait to go up, and what happens to one more. */
  readonly queue: QueueRule;
  /** Milliseconds after its last change for which an item that the cloud has stays; undefined: for ever. */
  readonly keep: number | undefined;
  /** Who may have its items from the device's web server; undefined: nobody. */
  readonly web: WebRule | undefined;
  /** Names of the stored fields that callers do not see. */
  readonly hidden: readonly string[];
  /** Names of the fields that are the key itself, and are not stored beside it. */
  readonly keyFields: ReadonlySet<string>;
  /** Names of the properties that its keys are made of. */
  readonly keyVariables: readonly string[];
  /** Names of the primary key's attributes. */
  readonly hash: string;
  readonly sort: string | undefined;
  /** Fields that are given, not computed; the order of the schema is the order of every item's attributes. */
  readonly given: readonly Field[];
  /** Computed fields that callers see, and are stored. */
  readonly computed: readonly Computed[];
  /** Computed fields that are hidden: attributes of indexes mostly. They are made again whenever they are needed. */
  readonly derived: readonly Computed[];
  /** Fields that must have a value, whatever the keys say. */
  readonly required: readonly Field[];
  /** Given fields that never leave the device. */
  readonly local: readonly Field[];
  /** What both ends changed of an item is merged field by field. */
  readonly merges: boolean;
  /** Names of the fields that are merged: those of `content` that are not the item's key. */
  readonly mergeNames: readonly string[];
  /** Fields that make two versions of an item different: not those that say whose it is and since when. */
  readonly content: readonly Field[];
  /** Name of the field that says since when an item is. */
  readonly created: string | undefined;
  /** The field at whose time its items expire. */
  readonly ttl: Field | undefined;
  /** Fields of which no two items may have the same value. */
  readonly unique: readonly Field[];
  readonly #indexes: ReadonlyMap<string, IndexDefinition>;
  readonly #pk: KeyTemplate;
  readonly #sk: KeyTemplate;
  /**
   * Fields whose text depends on their type: values become text as they are stored, so that a date finds its item in
   * whatever form it is given.
   */
  readonly #typed: ReadonlyMap<string, Field>;
  #binding: Binding | undefined;

  constructor({ name, fields, indexes, timestamps, ...rules }: ModelOptions) {
    const { hash, sort } = indexes.get('primary') as IndexDefinition;
    this.name = name;
    this.fields = fields;
    this.sync = rules.sync;
    this.created = timestamps.created;
    this.durability = rules.durability;
    this.priority = rules.priority;
    this.queue = rules.queue;
    this.keep = rules.keep;
    this.web = rules.web;
    this.#pk = fields.has(hash) ? keyTemplate(fields, hash) : new KeyTemplate('');
    this.#sk = sort === undefined ? new KeyTemplate('') : keyTemplate(fields, sort);
    this.keyVariables = [...this.#pk.variables, ...this.#sk.variables];
    const keys = sort === undefined ? [hash] : [hash, sort];
    this.keyFields = new Set(keys.filter((key) => fields.get(key)?.template));
    this.#typed = new Map(
      [...fields].filter(([, { type }]) => type === 'date' || type === 'number' || type === 'boolean'),
    );
    const stored = [...fields.values()].filter((field) => !this.keyFields.has(field.name));
    this.#indexes = indexes;
    this.ttl = stored.find((field) => field.ttl);
    this.unique = stored.filter((field) => field.unique);
    this.hash = hash;
    this.sort = sort;
    this.given = stored.filter(({ template }) => !template);
    const facts = [timestamps.created, timestamps.updated, ...OWNERSHIP, FIELD_TIMES];
    this.local = this.given.filter((field) => field.local);
    this.content = this.given.filter((field) => !field.local && !facts.includes(field.name));
    this.merges = rules.merges;
    const inKey = new Set(this.keyVariables.map((variable) => variable.split('.')[0]));
    this.mergeNames = this.content.flatMap(({ name: each }) => (inKey.has(each) ? [] : [each]));
    this.computed = computedOf(stored.filter(({ hidden }) => !hidden));
    this.derived = computedOf(stored.filter(({ hidden }) => hidden));
    this.required = stored.filter((field) => field.required);
    this.hidden = this.given.filter((field) => field.hidden).map((field) => field.name);
  }

  /** True when changes of its items go to the cloud. */
  get syncsUp(): boolean {
    return this.sync === 'up' || this.sync === 'both';
  }

  /** Names of the properties that its hash is made of. */
  get hashVariables(): readonly string[] {
    return this.#pk.variables;
  }

  /**
   * The key of the item with these properties. The context's values win over the properties' (unless they are empty).
   *
   * @throws KEY_INCOMPLETE naming the property that is missing; KEY_INVALID.
   */
  keyOf(properties: Properties, context: Context = NO_CONTEXT): ItemKey {
    const bound = this.#under(context);
    const pk = bound.pk.fill(properties);
    const sk = bound.sk.fill(properties);
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
  keyRange(properties: Properties, context: Context = NO_CONTEXT): KeyRange {
    const bound = this.#under(context);
    const pk = bound.pk.fill(properties);
    const sk = bound.sk.fill(properties);
    return {
      pk: pk.missing === undefined ? pk.text : undefined,
      sk: sk.text,
      complete: pk.missing === undefined && sk.missing === undefined,
    };
  }

  /** What the context says of an item's fields. */
  contextValues(context: Context): readonly (readonly [name: string, value: string])[] {
    return this.#under(context).values;
  }

  /** The key, when the properties bring it ready; undefined otherwise. */
  readyKey(properties: Properties): ItemKey | undefined {
    const pk = properties[this.hash];
    const sk = this.sort === undefined ? '' : properties[this.sort];
    return typeof pk === 'string' && typeof sk === 'string' ? { pk, sk } : undefined;
  }

  /** The item's key in a secondary index; undefined when it is not in it. */
  indexKey(
    index: string,
    record: ItemKey & { attributes: Properties },
    context: Context,
  ): { hash: string; sort: string } | undefined {
    return this.#under(context).indexKeys.of(index, record, record.attributes);
  }

  /**
   * As much of the key in a secondary index as the properties tell.
   *
   * @throws INDEX_UNKNOWN; KEY_INCOMPLETE when they do not tell its hash.
   */
  indexRange(index: string, properties: Properties, context: Context): { hash: string; sort: string } {
    return this.#under(context).indexKeys.range(index, properties, () => this.keyRange(properties, context));
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

  /** A context that cannot change is looked into once, as long as no other comes between. */
  #under(context: Context): Binding {
    if (this.#binding?.context === context) return this.#binding;
    const values = Object.entries(context).flatMap(([name, value]) =>
      value && this.fields.has(name) ? [[name, value] as const] : [],
    );
    const binding: Binding = {
      context,
      values,
      pk: new BoundTemplate(this.#pk, context, this.#typed),
      sk: new BoundTemplate(this.#sk, context, this.#typed),
      indexKeys: new IndexKeys({
        model: this.name,
        fields: this.fields,
        typed: this.#typed,
        indexes: this.#indexes,
        context,
      }),
    };
    if (Object.isFrozen(context)) this.#binding = binding;
    return binding;
  }

  #checkLength(pk: string, sk: string): void {
    if (pk.length <= MAX_PK && sk.length <= MAX_SK) return;
    throw fail(
      'KEY_INVALID',
      `the key of this ${this.name} is too long: at most ${MAX_PK} characters (pk) and ${MAX_SK} (sk)`,
    );
  }
}

function computedOf(fields: readonly Field[]): Computed[] {
  return fields.flatMap((field) =>
    field.template ? [[field, new BoundTemplate(field.template, NO_CONTEXT, NO_FIELDS)] as const] : [],
  );
}

/** A key attribute without a template is a plain property of the item. */
function keyTemplate(fields: ReadonlyMap<string, Field>, attribute: string): KeyTemplate {
  return fields.get(attribute)?.template ?? new KeyTemplate(`\${${attribute}}`);
}
