import { fail } from '../errors.ts';
import type { Properties } from '../schema/definition.ts';
import type { Model } from '../schema/model.ts';
import { isPlainObject } from './frozen.ts';

/**
 * The top-level property, whole, that an item has after the value at `path` was set; null or undefined takes it away.
 *
 * @throws FIELD_INVALID when the path leads into something that is no object, or the model has no such field.
 */
export function withPath(model: Model, before: Properties, path: string, value: unknown): Properties {
  const [top = '', ...inner] = path.split('.');
  if (!model.fields.has(top)) throw fail('FIELD_INVALID', `${model.name} has no field ${top}`);
  return { [top]: inner.length === 0 ? (value ?? null) : replaced(before[top], inner, value, path) };
}

function replaced(
  before: unknown,
  [name = '', ...inner]: readonly string[],
  value: unknown,
  path: string,
): object {
  if (before !== undefined && !isPlainObject(before)) {
    throw fail('FIELD_INVALID', `${path} leads into something that is no object`);
  }
  const { [name]: old, ...others } = before ?? {};
  if (inner.length > 0) return { ...others, [name]: replaced(old, inner, value, path) };
  return value === undefined || value === null ? others : { ...others, [name]: value };
}
