import { numberOf, readComparison, readOperator } from './comparison.ts';
import { type Condition, readCondition } from './condition.ts';
import { allOf, longest } from './must-have.ts';
import type { Pattern } from './pattern.ts';
import { Reading } from './reading.ts';
import type { Work } from './work.ts';

/** One field of a line, or any number of them. */
type Field = Condition<string> | '...';

/** Work to read a field, beside that for its characters. */
const PER_FIELD = 8;
/** Characters of a value without quotes. */
const BARE = /[^\s,()|&"=<>!\]]+/y;

/** `[host, ..., status = 5*, size > 1000]`: lines of fields with blanks between them. */
export function compileSpacePattern(text: string): Pattern {
  const reading = new Reading(text);
  reading.require('[');
  const fields: Field[] = [];
  do {
    fields.push(reading.take('...') ? '...' : readField(reading));
  } while (reading.take(','));
  reading.require(']');
  reading.skipBlanks();
  if (!reading.isOver) throw reading.error('nothing may follow the pattern');
  if (fields.filter((field) => field === '...').length > 1)
    throw reading.error('... may stand in one place only');
  const conditions = fields.filter((field) => field !== '...');
  const mustHave = allOf(conditions.map((condition) => condition.mustHave));
  return {
    match: (message, work) => matches(fields, fieldsOf(message, work), work),
    ...{ mustHave, literal: longest(conditions.flatMap(({ literals }) => literals)), ofJson: false },
  };
}

/** `name`, or tests of it. */
function readField(reading: Reading): Condition<string> {
  const begin = reading.at;
  const name = readName(reading);
  reading.skipBlanks();
  if (reading.isOver || ',]'.includes(reading.text[reading.at] as string)) {
    if (name === undefined) throw reading.error('the name of a field is missing');
    return { holds: () => true, mustHave: [], literals: [] };
  }
  reading.at = begin;
  return readCondition<string>(reading, readTest);
}

function readTest(reading: Reading): Condition<string> {
  if (readName(reading) === undefined) throw reading.error('the name of a field is missing');
  const operator = readOperator(reading);
  if (!operator) throw reading.error('=, !=, <, >, <= or >= is missing');
  const comparison = readComparison(reading, operator, BARE);
  return {
    holds: (field, work) => {
      work.spend(comparison.isNumeric ? PER_FIELD + field.length : 1);
      const number = comparison.isNumeric ? numberOf(field) : undefined;
      return number === undefined ? comparison.ofText(field, work) : comparison.ofNumber(number, work);
    },
    mustHave: comparison.mustHave,
    literals: comparison.only === undefined ? [] : [comparison.only],
  };
}

function readName(reading: Reading): string | undefined {
  reading.skipBlanks();
  return reading.match(/[\w\-.$]+/y);
}

function matches(fields: readonly Field[], found: readonly string[], work: Work): boolean {
  const gap = fields.indexOf('...');
  if (gap < 0 ? found.length !== fields.length : found.length < fields.length - 1) return false;
  const shift = found.length - fields.length;
  return fields.every((field, index) => {
    if (field === '...') return true;
    return field.holds(found[gap >= 0 && index > gap ? index + shift : index] as string, work);
  });
}

const CLOSING: Record<string, string> = { '"': '"', '[': ']' };

/** Fields of a line: what stands in quotes or brackets is one. */
function fieldsOf(message: string, work: Work): string[] {
  work.spend(message.length);
  const fields: string[] = [];
  // Once there is no more of them, nobody looks through the rest again.
  const noMore = new Set<string>();
  for (let at = 0; at < message.length; ) {
    work.spend(PER_FIELD);
    const closing = CLOSING[message[at] as string];
    const close = closing === undefined || noMore.has(closing) ? -1 : message.indexOf(closing, at + 1);
    if (close > 0) {
      fields.push(message.slice(at + 1, close));
      at = close + 1;
      continue;
    }
    if (closing !== undefined) noMore.add(closing);
    const inBlanks = isBlank(message.charCodeAt(at));
    let end = at + 1;
    while (end < message.length && isBlank(message.charCodeAt(end)) === inBlanks) end += 1;
    if (!inBlanks) fields.push(message.slice(at, end));
    at = end;
  }
  return fields;
}

function isBlank(code: number): boolean {
  if (code < 0x80) return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  return /\s/.test(String.fromCharCode(code));
}
