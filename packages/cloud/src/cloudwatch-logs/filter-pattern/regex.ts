import { patternError } from './pattern-error.ts';

/** One step of an expression: characters that it takes, and how often. */
interface Atom {
  /** By code; the last place stands for all codes from 256 on. */
  takes: Uint8Array;
  optional: boolean;
  /** May be taken again. */
  repeats: boolean;
}

interface Alternative {
  atoms: Atom[];
  fromBegin: boolean;
  toEnd: boolean;
}

const CODES = 257;
/** Steps of all alternatives, repetitions written out. */
const MOST_STEPS = 256;
/** Sets of steps that are remembered; then it begins anew. */
const MOST_SETS = 512;

/**
 * A regular expression of CloudWatch's: no groups, so nothing in it makes a search go back. It is followed character by
 * character through all alternatives at once: the time grows with the text and with nothing else, whatever a tenant writes.
 *
 * @throws InvalidParameterException
 */
export class LinearRegex {
  readonly #alternatives: readonly Alternative[];
  #sets = new Map<string, StepSet>();
  #begin: StepSet | undefined;

  constructor(source: string) {
    this.#alternatives = new RegexReader(source).read();
    const steps = this.#alternatives.reduce((sum, { atoms }) => sum + atoms.length, 0);
    if (steps > MOST_STEPS) throw patternError(`the expression has more than ${MOST_STEPS} steps`);
  }

  matches(text: string): boolean {
    this.#begin ??= this.#setOf(this.#starts(true));
    let set = this.#begin;
    for (let i = 0; i < text.length; i += 1) {
      if (set.isFound) return true;
      const code = Math.min(text.charCodeAt(i), CODES - 1);
      let next = set.next[code];
      if (!next) {
        next = this.#step(set, code);
        set.next[code] = next;
      }
      set = next;
    }
    return set.isFound || set.isFoundAtEnd;
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

  #step(set: StepSet, code: number): StepSet {
    const steps = this.#starts(false);
    for (const step of set.steps) {
      const { atoms } = this.#alternatives[Math.floor(step / CODES)] as Alternative;
      const at = step % CODES;
      const atom = atoms[at];
      if (!atom || atom.takes[code] === 0) continue;
      if (atom.repeats) this.#add(steps, step);
      this.#add(steps, step + 1);
    }
    return this.#setOf(steps);
  }

  #starts(atBegin: boolean): Set<number> {
    const steps = new Set<number>();
    this.#alternatives.forEach(({ fromBegin }, index) => {
      if (atBegin || !fromBegin) this.#add(steps, index * CODES);
    });
    return steps;
  }

  /** A step, and those behind it that can be reached without taking anything. */
  #add(steps: Set<number>, step: number): void {
    const { atoms } = this.#alternatives[Math.floor(step / CODES)] as Alternative;
    for (let at = step; ; at += 1) {
      steps.add(at);
      if (!atoms[at % CODES]?.optional) return;
    }
  }

  #setOf(steps: Set<number>): StepSet {
    const sorted = [...steps].sort((a, b) => a - b);
    const key = sorted.join();
    const known = this.#sets.get(key);
    if (known) return known;
    if (this.#sets.size >= MOST_SETS) {
      this.#sets = new Map();
      this.#begin = undefined;
    }
    const over = sorted.flatMap((step) => {
      const alternative = this.#alternatives[Math.floor(step / CODES)] as Alternative;
      return step % CODES === alternative.atoms.length ? [alternative] : [];
    });
    const set: StepSet = {
      steps: sorted,
      next: [],
      isFound: over.some(({ toEnd }) => !toEnd),
      isFoundAtEnd: over.length > 0,
    };
    this.#sets.set(key, set);
    return set;
  }
}

/** Steps that are next, after some text. A step is its place in its alternative plus `CODES` for each alternative before. */
interface StepSet {
  steps: readonly number[];
  next: (StepSet | undefined)[];
  isFound: boolean;
  isFoundAtEnd: boolean;
}

const CLASSES: Record<string, RegExp> = { d: /[0-9]/, w: /[A-Za-z0-9_]/, s: /[ \t\n\v\f\r]/ };

class RegexReader {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    if (/[^\x20-\x7e]/.test(source)) throw patternError('an expression may have ASCII characters only');
    if (source === '') throw patternError('the expression is empty');
    this.#source = source;
  }

  read(): Alternative[] {
    const alternatives = [this.#alternative()];
    while (this.#take('|')) alternatives.push(this.#alternative());
    return alternatives;
  }

  #alternative(): Alternative {
    const fromBegin = this.#take('^');
    const atoms: Atom[] = [];
    while (this.#at < this.#source.length && !'|$'.includes(this.#peek)) this.#atom(atoms);
    return { atoms, fromBegin, toEnd: this.#take('$') };
  }

  #atom(atoms: Atom[]): void {
    const takes = this.#class();
    const { least, most } = this.#quantifier();
    if (Math.max(least, most === Number.POSITIVE_INFINITY ? 0 : most) > MOST_STEPS) {
      throw this.#error(`more than ${MOST_STEPS} repetitions`);
    }
    for (let i = 0; i < least; i += 1) atoms.push({ takes, optional: false, repeats: false });
    if (most !== Number.POSITIVE_INFINITY) {
      for (let i = least; i < most; i += 1) atoms.push({ takes, optional: true, repeats: false });
    } else if (least === 0) {
      atoms.push({ takes, optional: true, repeats: true });
    } else {
      (atoms.at(-1) as Atom).repeats = true;
    }
    if (atoms.length > MOST_STEPS) throw this.#error(`more than ${MOST_STEPS} steps`);
  }

  #quantifier(): { least: number; most: number } {
    if (this.#take('?')) return { least: 0, most: 1 };
    if (this.#take('*')) return { least: 0, most: Number.POSITIVE_INFINITY };
    if (this.#take('+')) return { least: 1, most: Number.POSITIVE_INFINITY };
    if (!this.#take('{')) return { least: 1, most: 1 };
    const end = this.#source.indexOf('}', this.#at);
    const [, least, comma, most] =
      /^(\d{1,3})(,?)(\d{0,3})$/.exec(this.#source.slice(this.#at, Math.max(end, this.#at))) ?? [];
    const upTo = comma === '' ? Number(least) : most === '' ? Number.POSITIVE_INFINITY : Number(most);
    if (least === undefined || Number(least) > upTo) throw this.#error('a repetition is {n}, {n,} or {n,m}');
    this.#at = end + 1;
    return { least: Number(least), most: upTo };
  }

  #class(): Uint8Array {
    const letter = this.#peek;
    this.#at += 1;
    if (letter === '.') return takesAll((code) => code !== 10);
    if (letter === '[') return this.#set();
    if (letter === '\\') return this.#escape();
    if (/[A-Za-z0-9_#=@/;,:\- ]/.test(letter)) return only(letter.charCodeAt(0));
    this.#at -= 1;
    throw this.#error(
      `${letter} is not supported in an expression; if it stands for itself, write \\${letter}`,
    );
  }

  #escape(): Uint8Array {
    const letter = this.#peek;
    this.#at += 1;
    const named = CLASSES[letter.toLowerCase()];
    if (named) {
      const isNegated = letter !== letter.toLowerCase();
      return takesAll((code) => (code < 256 && named.test(String.fromCharCode(code))) !== isNegated);
    }
    if (letter === 'x') {
      const digits = this.#source.slice(this.#at, this.#at + 2);
      if (!/^[0-9a-fA-F]{2}$/.test(digits)) throw this.#error('\\x takes two hexadecimal digits');
      this.#at += 2;
      return only(Number.parseInt(digits, 16));
    }
    if (letter === '' || /[A-Za-z0-9]/.test(letter)) throw this.#error(`\\${letter} is not known`);
    return only(letter.charCodeAt(0));
  }

  #set(): Uint8Array {
    const isNegated = this.#take('^');
    const takes = new Uint8Array(CODES);
    let count = 0;
    while (this.#peek !== ']' || count === 0) {
      const part = this.#setPart();
      part.forEach((does, code) => {
        if (does === 1) takes[code] = 1;
      });
      count += 1;
    }
    this.#at += 1;
    return isNegated ? takes.map((does) => 1 - does) : takes;
  }

  #setPart(): Uint8Array {
    const low = this.#setLetter();
    if (this.#peek !== '-' || ['', ']'].includes(this.#source[this.#at + 1] ?? '')) return low;
    this.#at += 1;
    const [from, to] = [onlyCode(low), onlyCode(this.#setLetter())];
    if (from < 0 || to < from) throw this.#error('a range goes from a lower to a higher character');
    return takesAll((code) => code >= from && code <= to && code < 256);
  }

  #setLetter(): Uint8Array {
    const letter = this.#peek;
    if (letter === '') throw this.#error('] is missing');
    this.#at += 1;
    return letter === '\\' ? this.#escape() : only(letter.charCodeAt(0));
  }

  get #peek(): string {
    return this.#source[this.#at] ?? '';
  }

  #take(letter: string): boolean {
    if (this.#peek !== letter) return false;
    this.#at += 1;
    return true;
  }

  #error(problem: string): Error {
    return patternError(`${problem} (in %${this.#source}%, character ${this.#at + 1})`);
  }
}

function takesAll(does: (code: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: CODES }, (_, code) => (does(code) ? 1 : 0));
}

function only(code: number): Uint8Array {
  return takesAll((other) => other === code);
}

/** The one character that is taken, or -1 when there are several or none. */
function onlyCode(takes: Uint8Array): number {
  const first = takes.indexOf(1);
  return first === takes.lastIndexOf(1) && first < 256 ? first : -1;
}
