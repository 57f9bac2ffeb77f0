import { patternError } from './pattern-error.ts';

/** One step of an expression: characters that it takes, and how often. */
export interface Atom {
  /** By code; the last place stands for all codes from 256 on. */
  takes: Uint8Array;
  optional: boolean;
  /** May be taken again. */
  repeats: boolean;
}

export interface Alternative {
  atoms: Atom[];
  fromBegin: boolean;
  toEnd: boolean;
}

export const CODES = 257;
/** Steps of all alternatives, repetitions written out. */
const MOST_STEPS = 256;

/** What an expression is made of. @throws InvalidParameterException */
export function readExpression(source: string): Alternative[] {
  const alternatives = new RegexReader(source).read();
  const steps = alternatives.reduce((sum, { atoms }) => sum + atoms.length, 0);
  if (steps > MOST_STEPS) throw patternError(`the expression has more than ${MOST_STEPS} steps`);
  return alternatives;
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
export function onlyCode(takes: Uint8Array): number {
  const first = takes.indexOf(1);
  return first === takes.lastIndexOf(1) && first < 256 ? first : -1;
}
