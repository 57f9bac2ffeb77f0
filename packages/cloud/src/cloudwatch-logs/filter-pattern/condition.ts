import { allOf, type MustHave, oneOf } from './must-have.ts';
import type { Reading } from './reading.ts';
import type { Work } from './work.ts';

export interface Condition<T> {
  holds(value: T, work: Work): boolean;
  mustHave: MustHave;
  /** Texts that stand, as they are, in everything for which it holds. */
  literals: readonly string[];
}

/** Parentheses within each other. */
const DEEPEST = 32;

/** Tests joined by `&&` and `||`, of which `&&` binds closer, with parentheses. */
export function readCondition<T>(
  reading: Reading,
  readTest: (reading: Reading) => Condition<T>,
  depth = 0,
  tests = new Map<string, Condition<T>>(),
): Condition<T> {
  if (depth > DEEPEST) throw reading.error(`more than ${DEEPEST} parentheses within each other`);
  // A test that is written again is the same one, and no event is put to it twice.
  const readOnce = () => {
    const begin = reading.at;
    const test = readTest(reading);
    const text = reading.text.slice(begin, reading.at).trim();
    const known = tests.get(text) ?? test;
    tests.set(text, known);
    return known;
  };
  const one = () => {
    if (!reading.take('(')) return readOnce();
    const inner = readCondition(reading, readTest, depth + 1, tests);
    reading.require(')');
    return inner;
  };
  const every = () => {
    const all = new Set([one()]);
    while (reading.take('&&')) all.add(one());
    const parts = [...all];
    const [only] = parts;
    if (only && parts.length === 1) return only;
    return {
      holds: (value: T, work: Work) => parts.every((part) => part.holds(value, work)),
      mustHave: allOf(parts.map(({ mustHave }) => mustHave)),
      literals: parts.flatMap(({ literals }) => literals),
    };
  };
  const any = new Set([every()]);
  while (reading.take('||')) any.add(every());
  const choices = [...any];
  const [only] = choices;
  if (only && choices.length === 1) return only;
  return {
    holds: (value, work) => choices.some((choice) => choice.holds(value, work)),
    mustHave: oneOf(choices.map(({ mustHave }) => mustHave)),
    literals: [],
  };
}
