import { isWordCode, wordsOf } from '../../platform/embedded/log-store/words.ts';
import type { Work } from './work.ts';

/** Text in which `*` stands for any characters, none among them. */
export class Glob {
  readonly #parts: readonly string[];

  constructor(text: string) {
    this.#parts = text.split('*');
  }

  /** True where it takes any text. */
  get isAny(): boolean {
    return this.#parts.length > 1 && this.#parts.every((part) => part === '');
  }

  /** The one text that it takes, if it is one. */
  get only(): string | undefined {
    return this.#parts.length === 1 ? this.#parts[0] : undefined;
  }

  matches(text: string, work: Work): boolean {
    const [first = '', ...rest] = this.#parts;
    const last = rest.pop();
    if (last === undefined) return text === first;
    if (!text.startsWith(first) || text.length < first.length + last.length) return false;
    // Each part is looked for behind the one before: all together go through the text once.
    work.spend(rest.length === 0 ? 4 : 4 * this.#parts.length + text.length);
    let at = first.length;
    const end = text.length - last.length;
    // The leftmost place is the best for each: what follows has the most room.
    for (const part of rest) {
      const found = text.indexOf(part, at);
      if (found < 0 || found + part.length > end) return false;
      at = found + part.length;
    }
    return text.endsWith(last);
  }

  /**
   * Words that stand whole in every text that it takes. One beside a `*` may be a part of a longer word, and one behind a control
   * character stands behind the letter of its escape where the text is JSON.
   */
  get words(): string[] {
    const last = this.#parts.length - 1;
    return this.#parts.flatMap((part, index) => {
      let begin = 0;
      let end = part.length;
      if (index > 0) while (begin < end && isWordCode(part.charCodeAt(begin))) begin += 1;
      if (index < last) while (end > begin && isWordCode(part.charCodeAt(end - 1))) end -= 1;
      return /[\x00-\x1f]/.test(part) ? [] : wordsOf(part.slice(begin, end));
    });
  }
}
