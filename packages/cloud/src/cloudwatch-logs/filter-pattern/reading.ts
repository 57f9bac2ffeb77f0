import { patternError } from './pattern-error.ts';

/** A place in a pattern that goes on as it is read. */
export class Reading {
  readonly text: string;
  at = 0;
  /** Regular expressions that were read. */
  regexes = 0;

  constructor(text: string) {
    this.text = text;
  }

  get isOver(): boolean {
    return this.at >= this.text.length;
  }

  skipBlanks(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at += 1;
  }

  /** Takes the word when it is next, blanks before it included. */
  take(word: string): boolean {
    this.skipBlanks();
    if (!this.text.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  /** Takes a word of letters, in any case, which ends there. */
  takeWord(word: string): boolean {
    this.skipBlanks();
    const next = this.text.slice(this.at, this.at + word.length);
    if (next.toUpperCase() !== word || /\w/.test(this.text[this.at + word.length] ?? '')) return false;
    this.at += word.length;
    return true;
  }

  require(word: string): void {
    if (!this.take(word)) throw this.error(`${word} is missing`);
  }

  /** What matches here, which must be a sticky expression of this program's own. */
  match(expression: RegExp): string | undefined {
    expression.lastIndex = this.at;
    const [found] = expression.exec(this.text) ?? [];
    if (!found) return undefined;
    this.at += found.length;
    return found;
  }

  /** What stands between the quote that is next and the one that ends it; `\` takes the next character as it is. */
  quoted(quote: string): string {
    const begin = this.at;
    this.at += 1;
    let value = '';
    for (; !this.isOver; this.at += 1) {
      const letter = this.text[this.at] as string;
      if (letter === quote) {
        this.at += 1;
        return value;
      }
      if (letter === '\\' && this.at + 1 < this.text.length) this.at += 1;
      value += this.text[this.at];
    }
    throw patternError(`the quote ${quote} is not closed`, begin);
  }

  error(problem: string): Error {
    return patternError(problem, this.at);
  }
}
