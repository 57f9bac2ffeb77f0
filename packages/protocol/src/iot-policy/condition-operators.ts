import {
  equalTo,
  equalToIgnoringCase,
  flag,
  like,
  parseDate,
  parseSeconds,
  type ValueTest,
  withinRange,
} from './condition-values.ts';
import type { SubjectValues, VariableName } from './policy-variables.ts';

/** Whether it holds at a time, in whole seconds since 1970. */
export type TimeTest = (seconds: number) => boolean;

/**
 * One key under one operator: whether it holds for a subject, or what is left to ask at each decision. `untold` is the answer
 * where a negated operator compares with a variable that the subject has nothing for: what is safe for the statement.
 */
export type Condition = (values: SubjectValues, untold: boolean) => boolean | TimeTest;

export type KeyKind = 'text' | 'flag' | 'address' | 'time' | 'seconds';
export interface ConditionKey {
  name: string;
  kind: KeyKind;
  /** Of a key that stays the same while a client is connected. */
  variable?: VariableName;
}

export interface Operator {
  /** Kinds of the keys that it can be asked of. */
  of: readonly KeyKind[];
  /** Reads a key's values into a condition. */
  read(key: ConditionKey, values: readonly (readonly [string, string])[], ifExists: boolean): Condition;
}

function both(
  name: string,
  negation: string,
  of: readonly KeyKind[],
  parse: (value: string, where: string) => ValueTest,
): [string, Operator][] {
  return [
    [name, byValue(of, parse, false)],
    [negation, byValue(of, parse, true)],
  ];
}

function byValue(
  of: readonly KeyKind[],
  parse: (value: string, where: string) => ValueTest,
  negated: boolean,
): Operator {
  const read: Operator['read'] = ({ variable }, given, ifExists) => {
    const tests = given.map(([value, where]) => parse(value, where));
    return (values, untold) => {
      const actual = variable && values.get(variable);
      // IAM's rule: what is not there equals nothing, so it is unequal to everything.
      if (actual === undefined) return ifExists || negated;
      const results = tests.map((test) => test(actual, values));
      if (results.includes(true)) return !negated;
      if (!negated) return false;
      return results.includes(undefined) ? untold : true;
    };
  };
  return { of, read };
}

/** True asks that the key be absent; what is the same for all, such as the time, never is. */
function readNull({ variable }: ConditionKey, given: readonly (readonly [string, string])[]): Condition {
  const tests = given.map(([value, where]) => flag(value, where));
  return (values) => {
    const absent = String(variable !== undefined && !values.has(variable));
    return tests.some((test) => test(absent, values) === true);
  };
}

function times(
  family: string,
  of: readonly KeyKind[],
  parse: (value: string, where: string) => number,
): [string, Operator][] {
  const operator = (test: (values: readonly number[]) => TimeTest): Operator => ({
    of,
    read: (_key, given) => {
      const holds = test(given.map(([value, where]) => parse(value, where)));
      return () => holds;
    },
  });
  return [
    [`${family}Equals`, operator((values) => (now) => values.includes(now))],
    [`${family}NotEquals`, operator((values) => (now) => !values.includes(now))],
    ...Object.entries(COMPARISONS).map(([name, compare]): [string, Operator] => [
      `${family}${name}`,
      operator(anyOf(compare)),
    ]),
  ];
}

function anyOf(compare: Comparison): (values: readonly number[]) => TimeTest {
  return (values) => (now) => {
    for (const value of values) if (compare(now, value)) return true;
    return false;
  };
}

type Comparison = (now: number, value: number) => boolean;
const COMPARISONS: Readonly<Record<string, Comparison>> = {
  LessThan: (now, value) => now < value,
  LessThanEquals: (now, value) => now <= value,
  GreaterThan: (now, value) => now > value,
  GreaterThanEquals: (now, value) => now >= value,
};

const TEXTS = ['text', 'flag', 'address'] as const;
/** By name, without `IfExists`. */
export const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ...both('StringEquals', 'StringNotEquals', TEXTS, equalTo),
  ...both('StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase', TEXTS, equalToIgnoringCase),
  ...both('StringLike', 'StringNotLike', TEXTS, like),
  ...both('IpAddress', 'NotIpAddress', ['address'], withinRange),
  ['Bool', byValue(['flag'], flag, false)],
  ['Null', { of: [...TEXTS, 'time', 'seconds'], read: readNull }],
  ...times('Numeric', ['seconds'], parseSeconds),
  ...times('Date', ['time', 'seconds'], parseDate),
]);
