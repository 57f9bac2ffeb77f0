// @ts-expect-error The package has no types of its own.
import jju from 'jju';

/** A piece of a text as it was read. */
export interface Json5Token {
  type: 'key' | 'literal' | 'separator' | 'whitespace' | 'comment' | 'newline';
  raw: string;
  value?: unknown;
  /** Path of the object or array that holds the token; for a literal, its own path. */
  stack: (string | number)[];
}

interface Jju {
  parse(text: string, options: { mode: 'json5' }): unknown;
  update(text: string, value: unknown, options: { mode: 'json5' }): string;
  tokenize(text: string, options: { mode: 'json5' }): Json5Token[];
}

const { parse, update, tokenize } = jju as Jju;
const MODE = { mode: 'json5' } as const;

/** JSON5, with `row` and `column` (both from 1) in what it throws. */
export const json5 = {
  /** @throws SyntaxError for a text that is no JSON5. */
  parse: (text: string): unknown => plainJson(text) ?? parse(text, MODE),
  /** The text with the value's properties set or added; comments and order of the rest stay. */
  update: (text: string, value: unknown): string => update(text, value, MODE),
  /** All of the text, in pieces. */
  tokenize: (text: string): Json5Token[] => tokenize(text, MODE),
};

/**
 * What is plain JSON, as files of programs are, is read by V8 itself, far faster. Undefined for anything else, and for names
 * that JSON and JSON5 do not read alike.
 */
function plainJson(text: string): unknown {
  if (text.includes('__proto__')) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
