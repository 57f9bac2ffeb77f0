import { wordsOf } from '../../platform/embedded/log-store/words.ts';
import type { LogMatcher } from '../../ports/log-store.ts';
import { readRegex } from './comparison.ts';
import { compileJsonPattern } from './json-pattern.ts';
import { patternError } from './pattern-error.ts';
import { Reading } from './reading.ts';
import { compileSpacePattern } from './space-pattern.ts';
import { compileTerms } from './terms.ts';

/** Characters of a pattern. */
const LONGEST = 1024;

/**
 * A filter pattern of CloudWatch Logs; undefined for one that takes every event.
 *
 * @throws InvalidParameterException that says what is wrong, and where.
 */
export function compilePattern(text: string): LogMatcher | undefined {
  if (text.length > LONGEST) throw patternError(`it has more than ${LONGEST} characters`);
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  if (trimmed.startsWith('{')) return compileJsonPattern(trimmed);
  if (trimmed.startsWith('[')) return compileSpacePattern(trimmed);
  return trimmed.startsWith('%') ? compileRegex(trimmed) : compileTerms(trimmed);
}

function compileRegex(text: string): LogMatcher {
  const reading = new Reading(text);
  const regex = readRegex(reading);
  if (!reading.isOver) throw reading.error('nothing may follow the expression');
  const { literal } = regex;
  // A word at an end of it may go on in the text.
  const inner = literal.replace(/^\w+|\w+$/g, '');
  return {
    match: (message) => regex.matches(message),
    mustHave: wordsOf(inner).map((word) => [word]),
    ...(literal === '' ? {} : { literal }),
    ofJson: false,
  };
}
