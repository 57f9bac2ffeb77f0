import { isWordCode, wordsOf } from '../../platform/embedded/log-store/words.ts';
import { allOf, type MustHave, oneOf } from './must-have.ts';
import type { Pattern } from './pattern.ts';
import { Reading } from './reading.ts';
import type { Work } from './work.ts';

/** From so many terms on, and in texts of so many characters, the words of a text are read once for all terms. */
const MANY_TERMS = 8;
const LONG_TEXT = 4096;
/** Work to read a character of a word, and for each place where a term was found. */
const PER_WORD_CHARACTER = 4;
const PER_PLACE = 16;

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
export function compileTerms(text: string): Pattern {
  const { wanted, optional, unwanted } = readTerms(text);
  const choice = wanted.length > 0 || unwanted.length > 0 ? [] : optional;
  const all = new Set([...wanted, ...unwanted, ...choice]);
  const match = (message: string, work: Work) => {
    const isLong = all.size >= MANY_TERMS && message.length >= LONG_TEXT;
    const has = isLong ? wordFinder(message, all, work) : (term: string) => hasTerm(message, term, work);
    return wanted.every(has) && !unwanted.some(has) && (choice.length === 0 || choice.some(has));
  };
  const wordLists = (term: string): MustHave => wordsOf(term).map((word) => [word]);
  const mustHave = allOf([...wanted.map(wordLists), choice.length > 0 ? oneOf(choice.map(wordLists)) : []]);
  const literals = choice.length === 1 ? choice : wanted;
  const [literal] = [...literals].sort((a, b) => b.length - a.length);
  return { match, mustHave, literal, ofJson: false };
}

/** Tells whether a term is in a text; those that are one word are found in one pass over it. */
function wordFinder(text: string, terms: ReadonlySet<string>, work: Work): (term: string) => boolean {
  let found: Set<string> | undefined;
  return (term) => {
    if (wordsOf(term)[0] !== term) return hasTerm(text, term, work);
    if (!found) {
      work.spend(text.length * PER_WORD_CHARACTER);
      found = new Set(wordsOf(text).filter((word) => terms.has(word)));
    }
    return found.has(term);
  };
}

/** Whether a term is in a text, not as a part of longer words. */
function hasTerm(text: string, term: string, work: Work): boolean {
  const begins = isWordCode(term.charCodeAt(0));
  const ends = isWordCode(term.charCodeAt(term.length - 1));
  for (let from = 0; ; ) {
    const at = text.indexOf(term, from);
    work.spend((at < 0 ? text.length : at) - from + term.length + PER_PLACE);
    if (at < 0) return false;
    const end = at + term.length;
    const cutBefore = begins && at > 0 && isWordCode(text.charCodeAt(at - 1));
    const cutBehind = ends && end < text.length && isWordCode(text.charCodeAt(end));
    if (!cutBefore && !cutBehind) return true;
    from = at + 1;
    // Wherever it is found in the rest of this word, it is cut as well.
    if (begins) while (from < text.length && isWordCode(text.charCodeAt(from))) from += 1;
    work.spend(from - at);
  }
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
  return {
    wanted: [...new Set(terms.wanted)],
    optional: [...new Set(terms.optional)],
    unwanted: [...new Set(terms.unwanted)],
  };
}
