import { type Alternative, CODES, onlyCode, readExpression } from './regex-reader.ts';
import type { Work } from './work.ts';

/** Bits in a word: one less than small integers of V8 have, so that nothing in the loop becomes a double. */
const BITS = 30;
const FULL = 2 ** BITS - 1;
/** Work for a text beside that for its characters. */
const PER_TEXT = 16;

/**
 * A regular expression of CloudWatch's: no groups, so nothing in it makes a search go back. Every step of it is one bit, and
 * each character moves all of them at once (the Shift-And automaton, with optional steps passed over by one subtraction): the
 * time grows with the text, by at most nine words a character, whatever a tenant writes.
 *
 * @throws InvalidParameterException
 */
export class LinearRegex {
  readonly #alternatives: readonly Alternative[];
  readonly #masks: Masks;

  constructor(source: string) {
    this.#alternatives = readExpression(source);
    this.#masks = new Masks(this.#alternatives);
  }

  matches(text: string, work: Work): boolean {
    work.spend(PER_TEXT + text.length * this.#masks.words);
    return this.#masks.takesNothing(text.length === 0) || this.#masks.find(text);
  }

  /** Text that stands in everything that it takes; empty when none is known. */
  get literal(): string {
    const [only, another] = this.#alternatives;
    if (!only || another) return '';
    let best = '';
    let row = '';
    for (const { takes, optional, repeats } of only.atoms) {
      const code = optional ? -1 : onlyCode(takes);
      row = code < 0 ? '' : row + String.fromCharCode(code);
      if (row.length > best.length) best = row;
      if (repeats) row = '';
    }
    return best;
  }
}

/** Sets of steps, all alternatives one after the other: a bit of the state says that its step was taken, or passed over. */
class Masks {
  /** In one set. */
  readonly words: number;
  readonly #state: Int32Array;
  /** By character: the steps that take it. */
  readonly #takers: Int32Array;
  /** First steps, and those of alternatives that may begin anywhere. */
  readonly #firsts: Int32Array;
  readonly #startsAnywhere: Int32Array;
  /** What is passed over before anything is taken. */
  readonly #passedAtBegin: Int32Array;
  readonly #passedAnywhere: Int32Array;
  readonly #repeats: Int32Array;
  /** Of each row of optional steps: all of them, the last one, and the step in front. */
  readonly #optionals: Int32Array;
  readonly #rowEnds: Int32Array;
  readonly #rowFronts: Int32Array;
  /** Last steps, of alternatives that may end anywhere, and of all. */
  readonly #found: Int32Array;
  readonly #foundAtEnd: Int32Array;
  readonly #takesNothing: boolean;
  readonly #takesEmpty: boolean;

  constructor(alternatives: readonly Alternative[]) {
    const all = alternatives.flatMap(({ atoms, ...ends }) =>
      atoms.map((atom, at) => ({
        ...{ ...ends, ...atom, isFirst: at === 0, isLast: at === atoms.length - 1 },
        isPassed: atoms.slice(0, at + 1).every(({ optional }) => optional),
        isInRow: at > 0 && atom.optional,
        endsRow: at > 0 && atom.optional && !atoms[at + 1]?.optional,
        // The row begins behind it.
        isFront: atoms[at + 1]?.optional === true && (at === 0 || !atom.optional),
      })),
    );
    type Step = (typeof all)[number];
    const words = Math.max(1, Math.ceil(all.length / BITS));
    const put = (into: Int32Array, begin: number, does: (step: Step) => boolean) => {
      all.forEach((step, bit) => {
        const word = begin + Math.floor(bit / BITS);
        if (does(step)) into[word] = (into[word] as number) | (1 << (bit % BITS));
      });
      return into;
    };
    const maskOf = (does: (step: Step) => boolean) => put(new Int32Array(words), 0, does);
    this.words = words;
    this.#state = new Int32Array(words);
    this.#takers = new Int32Array(words * CODES);
    for (let code = 0; code < CODES; code += 1) {
      put(this.#takers, code * words, ({ takes }) => takes[code] === 1);
    }
    this.#firsts = maskOf(({ isFirst }) => isFirst);
    this.#startsAnywhere = maskOf(({ isFirst, fromBegin }) => isFirst && !fromBegin);
    this.#passedAtBegin = maskOf(({ isPassed }) => isPassed);
    this.#passedAnywhere = maskOf(({ isPassed, fromBegin }) => isPassed && !fromBegin);
    this.#repeats = maskOf(({ repeats }) => repeats);
    this.#optionals = maskOf(({ isInRow }) => isInRow);
    this.#rowEnds = maskOf(({ endsRow }) => endsRow);
    this.#rowFronts = maskOf(({ isFront }) => isFront);
    this.#found = maskOf(({ isLast, toEnd }) => isLast && !toEnd);
    this.#foundAtEnd = maskOf(({ isLast }) => isLast);
    const ofNothing = alternatives.filter(({ atoms }) => atoms.every(({ optional }) => optional));
    this.#takesNothing = ofNothing.some(({ fromBegin, toEnd }) => !(fromBegin && toEnd));
    this.#takesEmpty = ofNothing.length > 0;
  }

  /** True where an alternative is satisfied without any character. */
  takesNothing(isEmpty: boolean): boolean {
    return this.#takesNothing || (isEmpty && this.#takesEmpty);
  }

  find(text: string): boolean {
    const state = this.#state;
    state.set(this.#passedAtBegin);
    let starts = this.#firsts;
    for (let i = 0; i < text.length; i += 1) {
      if (this.#step(Math.min(text.charCodeAt(i), CODES - 1), starts)) return true;
      starts = this.#startsAnywhere;
    }
    return state.some((word, at) => (word & (this.#foundAtEnd[at] as number)) !== 0);
  }

  /** Takes one character. True when something is found, wherever the text goes on to. */
  #step(code: number, starts: Int32Array): boolean {
    const words = this.words;
    const state = this.#state;
    let carry = 0;
    let borrow = 0;
    let found = 0;
    for (let word = 0; word < words; word += 1) {
      const before = state[word] as number;
      const next = (((before << 1) & FULL) | carry) & ~(this.#firsts[word] as number);
      carry = before >>> (BITS - 1);
      const could = next | (starts[word] as number) | (before & (this.#repeats[word] as number));
      const taken = could & (this.#takers[code * words + word] as number);
      // The lowest step taken in a row stops what is subtracted in front of it: what lies above is reached as well.
      const held = taken | (this.#rowEnds[word] as number);
      const less = held - (this.#rowFronts[word] as number) - borrow;
      borrow = less < 0 ? 1 : 0;
      const above = (this.#optionals[word] as number) & ~((less & FULL) ^ held);
      const after = taken | above | (this.#passedAnywhere[word] as number);
      state[word] = after;
      found |= after & (this.#found[word] as number);
    }
    return found !== 0;
  }
}
