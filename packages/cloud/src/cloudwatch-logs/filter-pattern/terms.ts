import { isWordCode, wordsOf } from '../../platform/embedded/log-store/words.ts';
import type { LogMatcher } from '../../ports/log-store.ts';
import { allOf, type MustHave, oneOf } from './must-have.ts';
import { Reading } from './reading.ts';

interface Terms {
  /** All of them. */
  wanted: string[];
  /** At least one of them, where nothing else is said. */
  optional: string[];
  unwanted: string[];
}

/**
 * `WORD "a phrase" -UNWANTED`, or `?ONE ?OR ?OTHER`. A term is a row of whole words, in their case: `ERR` is not in `ERROR`.
 * Beside other terms those with `?` say nothing, as CloudWatch has it.
 */
export function compileTerms(text: string): LogMatcher {
  const { wanted, optional, unwanted } = readTerms(text);
  const choice = wanted.length > 0 || unwanted.length > 0 ? [] : optional;
  const match = (message: string) =>
    wanted.every((term) => hasTerm(message, term)) &&
    !unwanted.some((term) => hasTerm(message, term)) &&
    (choice.length === 0 || choice.some((term) => hasTerm(message, term)));
  const wordLists = (term: string): MustHave => wordsOf(term).map((word) => [word]);
  const mustHave = allOf([...wanted.map(wordLists), choice.length > 0 ? oneOf(choice.map(wordLists)) : []]);
  const literals = choice.length === 1 ? choice : wanted;
  const [literal] = [...literals].sort((a, b) => b.length - a.length);
  return { match, mustHave, literal, ofJson: false };
}

/** Whether a term is in a text, not as a part of longer words. */
export function hasTerm(text: string, term: string): boolean {
  const begins = isWordCode(term.charCodeAt(0));
  const ends = isWordCode(term.charCodeAt(term.length - 1));
  for (let at = text.indexOf(term); at >= 0; at = text.indexOf(term, at + 1)) {
    const end = at + term.length;
    const cutBefore = begins && at > 0 && isWordCode(text.charCodeAt(at - 1));
    const cutBehind = ends && end < text.length && isWordCode(text.charCodeAt(end));
    if (!cutBefore && !cutBehind) return true;
  }
  return false;
}

function readTerms(text: string): Terms {
  const terms: Terms = { wanted: [], optional: [], unwanted: [] };
  const reading = new Reading(text);
  for (reading.skipBlanks(); !reading.isOver; reading.skipBlanks()) {
    const list = reading.take('?') ? terms.optional : reading.take('-') ? terms.unwanted : terms.wanted;
    const next = reading.text[reading.at];
    const term = next === '"' ? reading.quoted('"') : reading.match(/[^\s"]+/y);
    if (!term) throw reading.error('a term is missing');
    list.push(term);
  }
  return terms;
}
