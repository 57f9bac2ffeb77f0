import type { Json } from '../../../service-apis.ts';
import { webError } from '../errors.ts';

/** Objects and lists within one another. */
const DEEPEST = 64;

/**
 * Reads JSON of a stranger: what goes deeper than programs expect is refused, and so is `__proto__`, which becomes more than
 * a property where a program copies it.
 *
 * @throws WEB_BODY_SYNTAX
 */
export function parseJson(text: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw webError('WEB_BODY_SYNTAX', 'the body is no JSON');
  }
  check(value, 1);
  return value as Json;
}

function check(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > DEEPEST) throw webError('WEB_BODY_SYNTAX', `the body goes deeper than ${DEEPEST} levels`);
  if (Object.hasOwn(value, '__proto__')) {
    throw webError('WEB_BODY_SYNTAX', 'the body names a property __proto__');
  }
  for (const each of Array.isArray(value) ? value : Object.values(value)) check(each, depth + 1);
}
