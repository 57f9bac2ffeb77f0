import { allOf, type MustHave, oneOf } from './must-have.ts';
import type { Reading } from './reading.ts';

export interface Condition<T> {
  holds(value: T): boolean;
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
): Condition<T> {
  if (depth > DEEPEST) throw reading.error(`more than ${DEEPEST} parentheses within each other`);
  const one = () => {
    if (!reading.take('(')) return readTest(reading);
    const inner = readCondition(reading, readTest, depth + 1);
    reading.require(')');
    return inner;
  };
  const every = () => {
    const parts = [one()];
    while (reading.take('&&')) parts.push(one());
    return {
      holds: (value: T) => parts.every((part) => part.holds(value)),
      mustHave: allOf(parts.map(({ mustHave }) => mustHave)),
      literals: parts.flatMap(({ literals }) => literals),
    };
  };
  const choices = [every()];
  while (reading.take('||')) choices.push(every());
  const [only] = choices;
  if (only && choices.length === 1) return only;
  return {
    holds: (value) => choices.some((choice) => choice.holds(value)),
    mustHave: oneOf(choices.map(({ mustHave }) => mustHave)),
    literals: [],
  };
}
