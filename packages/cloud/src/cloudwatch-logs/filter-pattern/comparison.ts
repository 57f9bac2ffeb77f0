import { wordsOf } from '../../platform/embedded/log-store/words.ts';
import { Glob } from './glob.ts';
import type { MustHave } from './must-have.ts';
import type { Reading } from './reading.ts';
import { LinearRegex } from './regex.ts';
import type { Work } from './work.ts';

/** Work to write a number as text. */
const WRITTEN = 16;
/** Expressions in one pattern, as CloudWatch has it. */
const MOST_REGEXES = 2;

const OPERATORS = ['!=', '<=', '>=', '=', '<', '>'] as const;
export type Operator = (typeof OPERATORS)[number];

/** What a value is compared with. */
export interface Comparison {
  /** Undefined for what is no number. */
  ofNumber(value: number, work: Work): boolean;
  ofText(value: string, work: Work): boolean;
  /** It compares with a number: what can be read as one is taken for one. */
  readonly isNumeric: boolean;
  /** `= *`: whatever is there. */
  readonly takesAny: boolean;
  /** Words in every text that it takes. */
  readonly mustHave: MustHave;
  /** The one text that it takes, if it is one. */
  readonly only?: string;
}

export function readOperator(reading: Reading): Operator | undefined {
  return OPERATORS.find((operator) => reading.take(operator));
}

/** A number, `"text"` or a bare word with `*`, or `%expression%`. */
export function readComparison(reading: Reading, operator: Operator, bare: RegExp): Comparison {
  reading.skipBlanks();
  const isEqual = operator === '=';
  if (operator !== '=' && operator !== '!=') return ordering(reading, operator, bare);
  const next = reading.text[reading.at];
  if (next === '%') {
    const regex = readRegex(reading);
    return {
      ofNumber: (value, work) => {
        work.spend(WRITTEN);
        return regex.matches(String(value), work) === isEqual;
      },
      ofText: (value, work) => regex.matches(value, work) === isEqual,
      ...{ isNumeric: false, takesAny: false, mustHave: [] },
    };
  }
  const isQuoted = next === '"';
  const text = isQuoted ? reading.quoted('"') : reading.match(bare);
  if (text === undefined) throw reading.error('a value is missing');
  const glob = new Glob(text);
  const number = isQuoted ? undefined : numberOf(text);
  return {
    ofNumber: (value, work) => {
      if (number !== undefined) return (value === number) === isEqual;
      work.spend(WRITTEN);
      return glob.matches(String(value), work) === isEqual;
    },
    ofText: (value, work) => glob.matches(value, work) === isEqual,
    isNumeric: number !== undefined,
    takesAny: isEqual && glob.isAny,
    // A number may be written in several ways.
    mustHave: isEqual && number === undefined ? glob.words.map((word) => [word]) : [],
    ...(isEqual && number === undefined ? { only: glob.only } : {}),
  };
}

export function readRegex(reading: Reading): LinearRegex {
  const begin = reading.at + 1;
  let end = begin;
  while (end < reading.text.length && reading.text[end] !== '%') end += reading.text[end] === '\\' ? 2 : 1;
  if (end >= reading.text.length) throw reading.error('the % that ends an expression is missing');
  reading.at = end + 1;
  reading.regexes += 1;
  if (reading.regexes > MOST_REGEXES) throw reading.error(`more than ${MOST_REGEXES} regular expressions`);
  return new LinearRegex(reading.text.slice(begin, end));
}

function ordering(reading: Reading, operator: Operator, bare: RegExp): Comparison {
  const number = numberOf(reading.match(bare) ?? '');
  if (number === undefined) throw reading.error(`${operator} takes a number`);
  const compare = {
    '<': (value: number) => value < number,
    '>': (value: number) => value > number,
    '<=': (value: number) => value <= number,
    '>=': (value: number) => value >= number,
  }[operator as '<' | '>' | '<=' | '>='];
  return { ofNumber: compare, ofText: () => false, isNumeric: true, takesAny: false, mustHave: [] };
}

/** A decimal number, which may have an exponent. */
export function numberOf(text: string): number | undefined {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

/** Words of a name, each of which must be there; what JSON writes as an escape changes the word behind it. */
export function wordsMustHave(name: string): MustHave {
  return (/[\x00-\x1f]/.test(name) ? [] : wordsOf(name)).map((word) => [word]);
}
