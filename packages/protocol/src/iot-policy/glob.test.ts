import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGlob, type GlobPart, type GlobText, MANY, ONE, partsAfter } from './glob.ts';

/** Few characters, so that they often meet; one of them is two UTF-16 units. */
const character = fc.constantFrom('a', 'b', '/', '*', '?', '+', '😀');
const text = fc.string({ unit: character, maxLength: 8 });
const parts = fc.array(fc.oneof(text, fc.constant(MANY), fc.constant(ONE)), { maxLength: 7 });

/** By definition, one character after the other, trying everything. */
function matchesNaively(glob: readonly GlobPart[], characters: readonly string[]): boolean {
  const [part, ...rest] = glob;
  if (part === undefined) return characters.length === 0;
  if (part === MANY) {
    return (
      matchesNaively(rest, characters) || (characters.length > 0 && matchesNaively(glob, characters.slice(1)))
    );
  }
  const size = part === ONE ? 1 : [...part].length;
  const fits = part === ONE ? characters.length > 0 : characters.slice(0, size).join('') === part;
  return fits && matchesNaively(rest, characters.slice(size));
}

/** Counts the characters that a match looks at. */
class CountedText implements GlobText {
  steps = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get length(): number {
    return this.#text.length;
  }

  codePointAt(at: number): number | undefined {
    this.steps += 1;
    return this.#text.codePointAt(at);
  }

  startsWith(piece: string, at?: number): boolean {
    this.steps += piece.length;
    return this.#text.startsWith(piece, at);
  }

  endsWith(piece: string): boolean {
    this.steps += piece.length;
    return this.#text.endsWith(piece);
  }

  charCodeAt(at: number): number {
    this.steps += 1;
    return this.#text.charCodeAt(at);
  }
}

describe('a glob', () => {
  it('matches what the definition says', () => {
    fc.assert(
      fc.property(parts, text, (glob, name) => {
        expect(compileGlob(glob).matches(name)).toBe(matchesNaively(glob, [...name]));
      }),
      { numRuns: 2000 },
    );
  });

  it('matches every text that is made of it', () => {
    const made = fc.array(
      fc.oneof(
        text.map((piece) => [piece, piece] as const),
        text.map((piece) => [MANY, piece] as const),
        character.map((one) => [ONE, one] as const),
      ),
      { maxLength: 7 },
    );
    fc.assert(
      fc.property(made, (pairs) => {
        const name = pairs.map(([, piece]) => piece).join('');
        expect(compileGlob(pairs.map(([part]) => part)).matches(name)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('without wildcards names the one text that it matches', () => {
    expect(compileGlob(['a', '*', '?'])).toMatchObject({ exact: 'a*?' });
    expect(compileGlob([]).exact).toBe('');
    expect(compileGlob(['a', ONE]).exact).toBeUndefined();
    expect(compileGlob(['a', MANY]).exact).toBeUndefined();
  });

  it('takes one character of two UTF-16 units for one', () => {
    expect(compileGlob([ONE]).matches('😀')).toBe(true);
    expect(compileGlob([ONE, ONE]).matches('😀')).toBe(false);
    expect(compileGlob([MANY, ONE, 'x']).matches('😀x')).toBe(true);
  });

  it.each<[string, GlobPart[]]>([
    ['a run of stars', [...new Array(500).fill(MANY), 'b']],
    ['a star between any two letters', new Array(500).fill(['a', MANY]).flat().concat('b')],
    ['stars and pieces that almost match', new Array(100).fill([MANY, 'aaaab']).flat()],
  ])('of %s looks at a long text a few times at most', (_name, glob) => {
    const name = new CountedText('a'.repeat(50_000));
    expect(compileGlob(glob).matches(name)).toBe(false);
    expect(name.steps).toBeLessThan(3 * name.length);
  });

  it('with question marks takes no more steps than the text times the longest piece', () => {
    const glob = [...new Array(20).fill([MANY, 'aaaa', ONE, 'aaaa']).flat(), MANY, 'a', ONE, 'b', MANY];
    const name = new CountedText('a'.repeat(20_000));
    expect(compileGlob(glob).matches(name)).toBe(false);
    expect(name.steps).toBeLessThan(10 * name.length);
  });

  it('does not look for a piece that is longer than the text', () => {
    const name = new CountedText('a'.repeat(400));
    expect(compileGlob([MANY, 'a'.repeat(500), ONE, MANY]).matches(name)).toBe(false);
    expect(name.steps).toBe(0);
  });
});

describe('the globs after a prefix', () => {
  it('match together just what may follow it', () => {
    fc.assert(
      fc.property(parts, text, text, (glob, prefix, rest) => {
        const after = partsAfter<never>(glob, prefix).some((each) => compileGlob(each).matches(rest));
        expect(after).toBe(compileGlob(glob).matches(prefix + rest));
      }),
      { numRuns: 2000 },
    );
  });

  it('are none when nothing may', () => {
    expect(partsAfter(['topic/', MANY], 'topicfilter/')).toEqual([]);
    expect(partsAfter(['topic/', MANY], 'topic/')).toEqual([[MANY]]);
  });
});
