import type { CodedError } from '@ioto/runtime';
import compareVersions from 'semver/functions/compare.js';
import isVersion from 'semver/functions/valid.js';
import { policyInvalid, type Token, tokensOf } from './policy-tokens.ts';

/** Characters of an expression, and expressions inside each other. */
const LONGEST = 1024;
const DEEPEST = 32;

/** Says of the properties of a device whether an update is for it. */
export type DevicePolicy = (device: Readonly<Record<string, unknown>>) => boolean;

type Value = (device: Readonly<Record<string, unknown>>) => unknown;

/**
 * Reads a distribution policy such as `model == 'L2' && (version < '2.0.0' || test)`: names are properties of device.json5
 * beside `version` and `iotoVersion`; `==`, `!=`, `<`, `<=`, `>`, `>=`, `&&`, `||`, `!` and brackets mean what they mean in
 * JavaScript, but that texts which are both versions are compared as versions, and that a comparison with what the device
 * does not have is false, `!=` true. An empty one is for every device.
 *
 * @throws UPDATE_POLICY_INVALID (400) with the column.
 */
export function parsePolicy(text: string): DevicePolicy {
  if (text.length > LONGEST) throw policyInvalid(`it may have ${LONGEST} characters`);
  if (text.trim() === '') return () => true;
  const value = new Parser(tokensOf(text)).whole();
  return (device) => isTrue(value(device));
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Value {
    const value = this.#or();
    if (this.#next.kind !== 'end') throw this.#unexpected();
    return value;
  }

  #or(): Value {
    let left = this.#and();
    while (this.#take('||')) {
      const [first, second] = [left, this.#and()];
      left = (device) => isTrue(first(device)) || isTrue(second(device));
    }
    return left;
  }

  #and(): Value {
    let left = this.#comparison();
    while (this.#take('&&')) {
      const [first, second] = [left, this.#comparison()];
      left = (device) => isTrue(first(device)) && isTrue(second(device));
    }
    return left;
  }

  #comparison(): Value {
    const left = this.#operand();
    const { kind, text } = this.#next;
    const compare = kind === 'sign' ? COMPARISONS[text] : undefined;
    if (!compare) return left;
    this.#at += 1;
    const right = this.#operand();
    return (device) => compare(left(device), right(device));
  }

  #operand(): Value {
    this.#depth += 1;
    if (this.#depth > DEEPEST) throw policyInvalid(`it may have ${DEEPEST} brackets inside each other`);
    const value = this.#bare();
    this.#depth -= 1;
    return value;
  }

  #bare(): Value {
    if (this.#take('!')) {
      const value = this.#operand();
      return (device) => !isTrue(value(device));
    }
    if (this.#take('(')) {
      const value = this.#or();
      if (!this.#take(')')) throw this.#unexpected("')'");
      return value;
    }
    const token = this.#next;
    if (token.kind === 'value') {
      this.#at += 1;
      return () => token.value;
    }
    if (token.kind !== 'name') throw this.#unexpected();
    this.#at += 1;
    const path = token.text.split('.');
    // `device.model` is as good as `model`.
    if (path.length > 1 && path[0] === 'device') path.shift();
    return (device) => propertyAt(device, path);
  }

  get #next(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '', column: 0 };
  }

  #take(sign: string): boolean {
    const { kind, text } = this.#next;
    if (kind !== 'sign' || text !== sign) return false;
    this.#at += 1;
    return true;
  }

  #unexpected(wanted = 'a name, a value or an operator'): CodedError {
    const { kind, text, column } = this.#next;
    const found = kind === 'end' ? 'its end' : JSON.stringify(text);
    return policyInvalid(`${found} stands at column ${column} where ${wanted} is expected`);
  }
}

const COMPARISONS: Readonly<Record<string, (left: unknown, right: unknown) => boolean>> = {
  '==': (left, right) => orderOf(left, right) === 0,
  '!=': (left, right) => orderOf(left, right) !== 0,
  '<': (left, right) => (orderOf(left, right) ?? 0) < 0,
  '<=': (left, right) => (orderOf(left, right) ?? 1) <= 0,
  '>': (left, right) => (orderOf(left, right) ?? 0) > 0,
  '>=': (left, right) => (orderOf(left, right) ?? -1) >= 0,
};

/** Negative, zero or positive; undefined for what cannot be compared. */
function orderOf(left: unknown, right: unknown): number | undefined {
  if (typeof left === 'string' && typeof right === 'string') {
    if (isVersion(left) && isVersion(right)) return compareVersions(left, right);
    return left === right ? 0 : left < right ? -1 : 1;
  }
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  // A device may say 1 for true.
  if (typeof left === 'boolean' || typeof right === 'boolean') {
    const [first, second] = [left, right].map((value) => (value === 1 ? true : value === 0 ? false : value));
    return first === second ? 0 : undefined;
  }
  return left === null && right === null ? 0 : undefined;
}

function isTrue(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== 0 && value !== '';
}

/** Own properties only: nothing of JavaScript's stands behind a name. */
function propertyAt(device: Readonly<Record<string, unknown>>, path: readonly string[]): unknown {
  let value: unknown = device;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}
