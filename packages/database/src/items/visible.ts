import type { WireItem } from '@ioto/protocol';
import type { Properties } from '../schema/definition.ts';
import type { Model } from '../schema/model.ts';
import type { Item } from './item.ts';
import type { ItemRecord } from './record.ts';

/** The item as callers see it. Without hidden attributes that is the stored object itself: reading costs nothing. */
export function visible(attributes: Properties, model: Model | undefined): Item {
  if (!model || model.hidden.length === 0) return attributes;
  let copy: Record<string, unknown> | undefined;
  for (const name of model.hidden) {
    if (attributes[name] === undefined) continue;
    copy ??= { ...attributes };
    delete copy[name];
  }
  return copy ? Object.freeze(copy) : attributes;
}

/** The item as it travels: everything that is stored or derived of it, but for what stays here, and its sort key. */
export function wireItem(attributes: Properties, sk: string, model: Model | undefined): WireItem {
  const fields: Record<string, unknown> = { ...attributes, ...derived(attributes, model), sk };
  for (const { name } of model?.local ?? []) delete fields[name];
  return Object.freeze(fields);
}

/** Every attribute and the key too, for those who ask for what is hidden. */
export function uncovered({ attributes, pk, sk }: ItemRecord, model: Model | undefined): Item {
  return Object.freeze({ ...attributes, ...derived(attributes, model), pk, sk });
}

function derived(attributes: Properties, model: Model | undefined): Properties {
  const values: Record<string, unknown> = {};
  for (const [{ name }, template] of model?.derived ?? []) {
    const { text, missing } = template.fill(attributes);
    if (missing === undefined) values[name] = text;
  }
  return values;
}
