import { isDeepStrictEqual } from 'node:util';
import { fail } from '../errors.ts';
import { coerce } from '../schema/coerce.ts';
import type { Properties } from '../schema/definition.ts';
import type { Field } from '../schema/field.ts';
import type { Model } from '../schema/model.ts';
import { compileWhere, type Where } from './where.ts';

/** Whether an item's attributes are asked for. */
export type Filter = (attributes: Properties) => boolean;

/**
 * Equality with all of the properties and whatever `where` says; undefined when everything is asked for.
 *
 * @throws FIELD_INVALID for a property that the model does not have, or a condition that makes no sense.
 */
export function compileFilter(
  model: Model,
  properties: Properties,
  where: Where | Filter | undefined,
): Filter | undefined {
  const filters: Filter[] = [];
  for (const name of Object.keys(properties)) {
    const value = properties[name];
    if (value === undefined) continue;
    const field = fieldOf(model, name);
    filters.push(equals(name, value === null ? undefined : coerce(field, value, field.path)));
  }
  if (where) filters.push(typeof where === 'function' ? where : compileWhere(model, where));
  return filters.length < 2 ? filters[0] : all(filters);
}

function fieldOf(model: Model, name: string): Field {
  const field = model.fields.get(name);
  if (field) return field;
  throw fail('FIELD_INVALID', `${model.name} has no field ${name} to find by`);
}

export function all(filters: readonly Filter[]): Filter {
  return (attributes) => {
    for (const filter of filters) if (!filter(attributes)) return false;
    return true;
  };
}

export function equals(name: string, value: unknown): Filter {
  if (typeof value === 'object') return (attributes) => isDeepStrictEqual(attributes[name], value);
  return (attributes) => attributes[name] === value;
}
