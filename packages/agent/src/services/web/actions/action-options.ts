import { CodedError } from '@ioto/runtime';
import { KNOWN_METHODS } from '../routing/known-methods.ts';
import type { ActionOptions } from '../web-api.ts';

const NAMES = new Set(['methods', 'role', 'xsrf']);

/**
 * Holds the options of an action to what there is: a slip of the pen in `role` would let everybody in.
 *
 * @throws WEB_ACTION_OPTIONS naming the action and the option.
 */
export function checkOptions(path: string, options: ActionOptions): void {
  const bad = (problem: string) => new CodedError('WEB_ACTION_OPTIONS', `${path}: ${problem}`);
  const unknown = Object.keys(options).find((name) => !NAMES.has(name));
  if (unknown !== undefined) throw bad(`there is no option ${unknown}: ${[...NAMES].join(', ')}`);
  const { methods, role, xsrf } = options;
  if (methods !== undefined && !Array.isArray(methods)) throw bad("methods: must be a list such as ['GET']");
  const wrong = (methods as readonly unknown[] | undefined)?.find(
    (method) => typeof method !== 'string' || !KNOWN_METHODS.has(method.toUpperCase()),
  );
  if (wrong !== undefined) throw bad(`methods: ${String(wrong)} is none of ${[...KNOWN_METHODS].join(', ')}`);
  if (role !== undefined && (typeof role !== 'string' || role === '')) throw bad('role: must be a name');
  if (xsrf !== undefined && typeof xsrf !== 'boolean') throw bad('xsrf: must be true or false');
}
