import type { CodedError } from '@ioto/runtime';
import { fail } from '../errors.ts';

/** The error for a schema that breaks `rule` at `where`: a model's name, and the path of the field in it. */
export function invalid(where: string, rule: string): CodedError {
  return fail('SCHEMA_INVALID', `schema: ${where} ${rule}`, { details: { where, rule } });
}
