import { policyInvalid, quoted } from './policy-error.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** @throws POLICY_INVALID unless the value is an object. */
export function fieldsOf(value: unknown, where: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw policyInvalid(where, `must be an object, not ${quoted(value)}`);
}

/**
 * A field that holds one value or a list of values, each with the place it stands at.
 *
 * @throws POLICY_INVALID when there is none, or more than `most`.
 */
export function listed(value: unknown, where: string, most: number): (readonly [unknown, string])[] {
  if (value === undefined) throw policyInvalid(where, 'is missing');
  if (!Array.isArray(value)) return [[value, where]];
  if (value.length === 0) throw policyInvalid(where, 'is an empty list: it must name something');
  if (value.length > most) throw policyInvalid(where, `has ${value.length} values, more than ${most}`);
  return value.map((each, index) => [each, `${where}[${index}]`] as const);
}

/** @throws POLICY_INVALID unless the value is a string of at least one character. */
export function textIn(value: unknown, where: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw policyInvalid(where, `must be a text, not ${quoted(value)}`);
}
