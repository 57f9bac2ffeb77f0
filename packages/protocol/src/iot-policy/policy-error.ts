import { CodedError } from '@ioto/runtime';

/** Characters of a value that an error repeats. */
const SHOWN = 100;

/** `where` names the statement and the field; `what` is wrong there and what is expected instead. */
export function policyInvalid(where: string, what: string): CodedError {
  return new CodedError('POLICY_INVALID', `${where}: ${what}`, { status: 400 });
}

/** A value as an error shows it: cut where it is long, and named where it is not a single one. */
export function quoted(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (value === undefined) return 'nothing';
  const text = String(value);
  const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
  return typeof value === 'string' ? JSON.stringify(shown) : shown;
}
