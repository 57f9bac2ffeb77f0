import { fail } from '../errors.ts';
import { BoundTemplate } from './bound-template.ts';
import type { Context, ItemKey, Properties } from './definition.ts';
import type { Field } from './field.ts';
import type { IndexDefinition } from './indexes.ts';
import { KeyTemplate } from './key-template.ts';
import { orderedNumber } from './ordered-number.ts';

/** A part of an index key: from a template, or the part of the primary key that it is. */
type Part = Pick<BoundTemplate, 'fill'> | keyof ItemKey;

interface Parts {
  readonly hash: Part;
  readonly sort: Part | undefined;
}

export interface IndexKeysOptions {
  readonly model: string;
  readonly fields: ReadonlyMap<string, Field>;
  readonly typed: ReadonlyMap<string, Field>;
  readonly indexes: ReadonlyMap<string, IndexDefinition>;
  readonly context: Context;
}

/** The keys that the items of one model have in the schema's secondary indexes, under one context. */
export class IndexKeys {
  readonly #model: string;
  readonly #parts = new Map<string, Parts>();

  constructor({ model, fields, typed, indexes, context }: IndexKeysOptions) {
    this.#model = model;
    const primary = indexes.get('primary');
    const part = (attribute: string): Part | undefined => {
      if (attribute === primary?.hash) return 'pk';
      if (attribute === primary?.sort) return 'sk';
      const field = fields.get(attribute);
      if (field?.type === 'number' && !field.template) return numberPart(attribute);
      const template = field && (field.template ?? new KeyTemplate(`\${${attribute}}`));
      return template && new BoundTemplate(template, context, typed);
    };
    for (const [name, { hash, sort }] of indexes) {
      const parts = { hash: part(hash), sort: sort === undefined ? undefined : part(sort) };
      if (name === 'primary' || !parts.hash || (sort !== undefined && !parts.sort)) continue;
      this.#parts.set(name, { hash: parts.hash, sort: parts.sort });
    }
  }

  /** Undefined for an item that the index leaves out, because an attribute is missing. */
  of(name: string, key: ItemKey, attributes: Properties): { hash: string; sort: string } | undefined {
    const parts = this.#parts.get(name);
    const hash = parts && textOf(parts.hash, key, attributes);
    const sort = parts?.sort === undefined ? '' : textOf(parts.sort, key, attributes);
    return hash === undefined || sort === undefined ? undefined : { hash, sort };
  }

  /**
   * As much of an index key as properties tell, over what they tell of the primary one.
   *
   * @throws INDEX_UNKNOWN when the index has no items of this model; KEY_INCOMPLETE when its hash is not told.
   */
  range(
    name: string,
    properties: Properties,
    primary: () => { pk?: string; sk: string },
  ): { hash: string; sort: string } {
    const parts = this.#parts.get(name);
    if (!parts) {
      throw fail(
        'INDEX_UNKNOWN',
        `${this.#model} has no items in an index ${JSON.stringify(name.slice(0, 64))}`,
        {
          details: { model: this.#model, indexes: [...this.#parts.keys()] },
        },
      );
    }
    const hash = rangeOf(parts.hash, properties, primary);
    if (hash.text === undefined || hash.missing !== undefined) {
      throw fail('KEY_INCOMPLETE', `${this.#model} by ${name} needs ${hash.missing ?? 'its partition key'}`, {
        details: { model: this.#model, index: name, field: hash.missing },
      });
    }
    return { hash: hash.text, sort: parts.sort ? (rangeOf(parts.sort, properties, primary).text ?? '') : '' };
  }
}

/** A field that is a number by itself is in the order of numbers, as in DynamoDB; in a template it is text. */
function numberPart(name: string): Part {
  return {
    fill(properties) {
      const value = properties[name];
      const number = value === undefined || value === null || value === '' ? Number.NaN : Number(value);
      return Number.isNaN(number) ? { text: '', missing: name } : { text: orderedNumber(number) };
    },
  };
}

function textOf(part: Part, key: ItemKey, attributes: Properties): string | undefined {
  if (typeof part === 'string') return key[part];
  const { text, missing } = part.fill(attributes);
  return missing === undefined ? text : undefined;
}

function rangeOf(part: Part, properties: Properties, primary: () => { pk?: string; sk: string }) {
  return typeof part === 'string' ? { text: primary()[part], missing: undefined } : part.fill(properties);
}
