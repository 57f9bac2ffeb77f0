import { wordsOf } from '../../platform/embedded/log-store/words.ts';
import type { LogMatcher } from '../../ports/log-store.ts';
import { readRegex } from './comparison.ts';
import { compileJsonPattern } from './json-pattern.ts';
import type { Pattern } from './pattern.ts';
import { patternError } from './pattern-error.ts';
import { Reading } from './reading.ts';
import { compileSpacePattern } from './space-pattern.ts';
import { compileTerms } from './terms.ts';
import { Work } from './work.ts';

/** Characters of a pattern. */
const LONGEST = 1024;

/**
 * A filter pattern of CloudWatch Logs; undefined for one that takes every event. An event that would take too much work (see
 * Work) is not matched.
 *
 * @throws InvalidParameterException that says what is wrong, and where.
 */
export function compilePattern(text: string): LogMatcher | undefined {
  if (text.length > LONGEST) throw patternError(`it has more than ${LONGEST} characters`);
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  const { match, ...rest } = readPattern(trimmed);
  const work = new Work();
  return {
    match: (message) => work.of(() => match(message, work)),
    spent: () => work.spent,
    ...rest,
  };
}

function readPattern(trimmed: string): Pattern {
  if (trimmed.startsWith('{')) return compileJsonPattern(trimmed);
  if (trimmed.startsWith('[')) return compileSpacePattern(trimmed);
  return trimmed.startsWith('%') ? compileRegex(trimmed) : compileTerms(trimmed);
}

function compileRegex(text: string): Pattern {
  const reading = new Reading(text);
  const regex = readRegex(reading);
  if (!reading.isOver) throw reading.error('nothing may follow the expression');
  const { literal } = regex;
  // A word at an end of it may go on in the text.
  const inner = literal.replace(/^\w+|\w+$/g, '');
  return {
    match: (message, work) => regex.matches(message, work),
    mustHave: wordsOf(inner).map((word) => [word]),
    ...(literal === '' ? {} : { literal }),
    ofJson: false,
  };
}
