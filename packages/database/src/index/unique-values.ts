import type { ItemRecord } from '../items/record.ts';
import type { Schema } from '../schema/compile.ts';
import type { ItemKey, Properties } from '../schema/definition.ts';
import type { Field } from '../schema/field.ts';
import type { Model } from '../schema/model.ts';
import { readPath } from '../schema/path.ts';

/**
 * Which item has which value of the fields that are unique. Items that came from elsewhere are taken as they are, so two
 * of them may have the same value; the later one is known by it.
 */
export class UniqueValues {
  readonly #schema: Schema;
  readonly #holders = new Map<string, ItemRecord>();

  constructor(schema: Schema) {
    this.#schema = schema;
  }

  /** The field of which another item than the one with this key has the value already. */
  taken(model: Model, key: ItemKey, attributes: Properties): string | undefined {
    for (const field of model.unique) {
      const holder = this.#holders.get(entry(model.name, field, attributes) ?? '');
      if (holder && (holder.pk !== key.pk || holder.sk !== key.sk)) return field.name;
    }
    return undefined;
  }

  added(record: ItemRecord): void {
    for (const text of this.#entries(record)) this.#holders.set(text, record);
  }

  removed(record: ItemRecord): void {
    for (const text of this.#entries(record)) {
      if (this.#holders.get(text) === record) this.#holders.delete(text);
    }
  }

  #entries(record: ItemRecord): readonly string[] {
    const unique = this.#schema.models.get(record.model)?.unique ?? [];
    if (unique.length === 0) return NONE;
    return unique.flatMap((field) => entry(record.model, field, record.attributes) ?? []);
  }
}

const NONE: readonly string[] = [];

function entry(model: string, { name, scope }: Field, attributes: Properties): string | undefined {
  const value = attributes[name];
  if (value === undefined) return undefined;
  const within = scope?.resolve((variable) => readPath(attributes, variable)).text;
  return JSON.stringify([model, name, value, ...(within === undefined ? [] : [within])]);
}
