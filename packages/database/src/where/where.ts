import { isDeepStrictEqual } from 'node:util';
import { fail } from '../errors.ts';
import { isPlainObject } from '../items/frozen.ts';
import { coerce } from '../schema/coerce.ts';
import type { Properties } from '../schema/definition.ts';
import type { Field } from '../schema/field.ts';
import type { Model } from '../schema/model.ts';
import { readPath } from '../schema/path.ts';
import type { Filter } from './filter.ts';

/** What one field may be asked for. A missing value satisfies none but `ne`, `exists: false` and `not`. */
export interface Operators {
  eq?: unknown;
  ne?: unknown;
  lt?: unknown;
  le?: unknown;
  gt?: unknown;
  ge?: unknown;
  /** Both ends belong to it. */
  between?: readonly [unknown, unknown];
  in?: readonly unknown[];
  /** Text that begins so. */
  begins?: string;
  /** Text that holds this text, or an array that holds this element. */
  contains?: unknown;
  exists?: boolean;
}

/**
 * A condition on items: by field, or by path into an object (`state.led.on`), a value to be equal to or operators that
 * must all hold; `and`, `or` and `not` combine conditions.
 */
export interface Where {
  readonly and?: readonly Where[];
  readonly or?: readonly Where[];
  readonly not?: Where;
  readonly [path: string]: unknown;
}

/** Deeper than this no condition may be nested: what comes from outside must not exhaust the stack. */
const MAX_DEPTH = 16;

type Test = (own: unknown) => boolean;

const COMPARISONS: Record<string, (order: number) => boolean> = {
  lt: (order) => order < 0,
  le: (order) => order <= 0,
  gt: (order) => order > 0,
  ge: (order) => order >= 0,
};

/** @throws FIELD_INVALID naming the field and what is wrong with the condition. */
export function compileWhere(model: Model, where: Where, depth = 0): Filter {
  if (!isPlainObject(where)) throw fail('FIELD_INVALID', `where of ${model.name} must be an object`);
  if (depth > MAX_DEPTH) throw fail('FIELD_INVALID', `where of ${model.name} is nested too deeply`);
  const filters = Object.entries(where).map(([name, condition]): Filter => {
    if (name === 'and' || name === 'or') {
      if (!Array.isArray(condition)) throw fail('FIELD_INVALID', `${name} must be a list of conditions`);
      const parts = condition.map((part) => compileWhere(model, part as Where, depth + 1));
      return name === 'and'
        ? (attributes) => parts.every((part) => part(attributes))
        : (attributes) => parts.some((part) => part(attributes));
    }
    if (name === 'not') {
      const inner = compileWhere(model, condition as Where, depth + 1);
      return (attributes) => !inner(attributes);
    }
    return onField(model, name, condition);
  });
  return (attributes) => filters.every((filter) => filter(attributes));
}

function onField(model: Model, path: string, condition: unknown): Filter {
  const [top = '', ...inner] = path.split('.');
  const field = model.fields.get(top);
  if (!field) throw fail('FIELD_INVALID', `${model.name} has no field ${top} to find by`);
  const typed = inner.length === 0 ? field : nestedField(field, inner);
  const tests = testsOf(typed, `${model.name}.${path}`, condition);
  const read =
    inner.length === 0 ? (from: Properties) => from[top] : (from: Properties) => readPath(from, path);
  return (attributes) => {
    const own = read(attributes);
    return tests.every((test) => test(own));
  };
}

function nestedField(field: Field, path: readonly string[]): Field | undefined {
  let found: Field | undefined = field;
  for (const name of path) found = found?.schema?.get(name);
  return found;
}

function testsOf(field: Field | undefined, where: string, condition: unknown): Test[] {
  const stored = (value: unknown) => {
    if (value === null || value === undefined) return undefined;
    return field ? coerce({ ...field, enum: undefined, validate: undefined }, value, where) : value;
  };
  if (!isPlainObject(condition)) return [equalTo(stored(condition))];
  return Object.entries(condition).map(([operator, operand]) => testOf(operator, operand, stored, where));
}

function testOf(
  operator: string,
  operand: unknown,
  stored: (value: unknown) => unknown,
  where: string,
): Test {
  const comparison = COMPARISONS[operator];
  if (comparison) {
    const bound = stored(operand);
    return (own) => isComparable(own, bound) && comparison(order(own, bound));
  }
  switch (operator) {
    case 'eq':
      return equalTo(stored(operand));
    case 'ne': {
      const equal = equalTo(stored(operand));
      return (own) => !equal(own);
    }
    case 'between': {
      const [low, high] = listOf(operand, where).map(stored);
      return (own) => isComparable(own, low) && order(own, low) >= 0 && order(own, high) <= 0;
    }
    case 'in': {
      const tests = listOf(operand, where).map((value) => equalTo(stored(value)));
      return (own) => tests.some((test) => test(own));
    }
    case 'begins':
      return (own) => typeof own === 'string' && own.startsWith(String(operand));
    case 'contains':
      return (own) =>
        Array.isArray(own)
          ? own.some((element) => isDeepStrictEqual(element, operand))
          : typeof own === 'string' && own.includes(String(operand));
    case 'exists':
      return (own) => (own !== undefined) === Boolean(operand);
    default:
      throw fail('FIELD_INVALID', `${where}: there is no operator ${JSON.stringify(operator.slice(0, 40))}`);
  }
}

function equalTo(value: unknown): Test {
  return typeof value === 'object' ? (own) => isDeepStrictEqual(own, value) : (own) => own === value;
}

function listOf(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw fail('FIELD_INVALID', `${where}: between and in need a list`);
}

/** Only values of one kind have an order among them. */
function isComparable(own: unknown, bound: unknown): boolean {
  return own !== undefined && typeof own === typeof bound && typeof own !== 'object';
}

function order(own: unknown, bound: unknown): number {
  const [a, b] = [own as string, bound as string];
  return a < b ? -1 : a > b ? 1 : 0;
}
