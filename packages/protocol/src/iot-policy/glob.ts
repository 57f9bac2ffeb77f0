/** `*`: any characters, also none, also `/`. */
export const MANY = Symbol('*');
/** `?`: one character. */
export const ONE = Symbol('?');
/** A string stands for itself, whatever it holds. */
export type GlobPart = string | typeof MANY | typeof ONE;

/** What a match reads of a text. */
export type GlobText = Pick<string, 'length' | 'charCodeAt' | 'codePointAt' | 'startsWith' | 'endsWith'>;

export interface Glob {
  /** The one text that it matches, where there is but one. */
  readonly exact?: string;
  matches(text: GlobText): boolean;
}

/**
 * Matches whole texts. What stands between two `*` is looked for once, from left to right, so that a match takes no more
 * steps than the text's length times the longest such piece, however many `*` there are; it allocates nothing.
 */
export function compileGlob(parts: readonly GlobPart[]): Glob {
  const pieces = piecesOf(parts);
  const head = pieces[0] ?? new Literal('');
  if (pieces.length === 1) return head.text === undefined ? new Whole(head) : new Exact(head.text);
  const tail = pieces.at(-1) ?? head;
  if (pieces.length === 2 && tail.text === '') return new Beginning(head);
  return new PiecesGlob(head, pieces.slice(1, -1), tail);
}

/**
 * What may follow `prefix` in a text that begins with it and that `parts` match; nothing if it may not begin so. Other parts
 * than those of a glob match no character of the prefix.
 */
export function partsAfter<Other extends object = never>(
  parts: readonly (GlobPart | Other)[],
  prefix: string,
): (GlobPart | Other)[][] {
  const steps = parts.flatMap((part): (GlobPart | Other)[] =>
    typeof part === 'string' ? [...part] : [part],
  );
  let places = new Set([0]);
  for (const character of prefix) {
    const next = new Set<number>();
    for (const place of places) {
      let at = place;
      for (; steps[at] === MANY; at += 1) next.add(at);
      if (steps[at] === ONE || steps[at] === character) next.add(at + 1);
    }
    places = next;
  }
  return [...places].map((place) => steps.slice(place));
}

/** What stands between two `*`. Positions are in UTF-16 units; -1 says that there is no match. */
interface Piece {
  /** Of a piece without `?`. */
  readonly text?: string;
  /** The end of a match that begins at `at`. */
  endAt(text: GlobText, at: number): number;
  /** The end of the leftmost match that begins at `from` or later. */
  endOfFirst(text: GlobText, from: number): number;
  /** The start of a match that ends with the text. */
  startOfLast(text: GlobText): number;
}

// Classes, and no closures: each device has globs of its own.
class Exact implements Glob {
  readonly exact: string;

  constructor(text: string) {
    this.exact = text;
  }

  matches(text: GlobText): boolean {
    return text.length === this.exact.length && text.startsWith(this.exact);
  }
}

class Whole implements Glob {
  readonly #piece: Piece;

  constructor(piece: Piece) {
    this.#piece = piece;
  }

  matches(text: GlobText): boolean {
    return this.#piece.endAt(text, 0) === text.length;
  }
}

class Beginning implements Glob {
  readonly #piece: Piece;

  constructor(piece: Piece) {
    this.#piece = piece;
  }

  matches(text: GlobText): boolean {
    return this.#piece.endAt(text, 0) >= 0;
  }
}

class PiecesGlob implements Glob {
  readonly #head: Piece;
  readonly #between: readonly Piece[];
  readonly #tail: Piece;

  constructor(head: Piece, between: readonly Piece[], tail: Piece) {
    this.#head = head;
    this.#between = between;
    this.#tail = tail;
  }

  matches(text: GlobText): boolean {
    let at = this.#head.endAt(text, 0);
    if (at < 0) return false;
    for (const piece of this.#between) {
      at = piece.endOfFirst(text, at);
      if (at < 0) return false;
    }
    return this.#tail.startOfLast(text) >= at;
  }
}

/** At least one piece; empty ones only first and last. */
function piecesOf(parts: readonly GlobPart[]): Piece[] {
  const runs: (string | typeof ONE)[][] = [[]];
  for (const part of parts) {
    if (part === MANY) runs.push([]);
    else runs.at(-1)?.push(part);
  }
  return runs
    .filter((run, index) => index === 0 || index === runs.length - 1 || run.some((part) => part !== ''))
    .map((run) => (run.includes(ONE) ? new Masked(run) : new Literal(run.join(''))));
}

class Literal implements Piece {
  readonly text: string;
  #borders: Uint16Array | undefined;

  constructor(text: string) {
    this.text = text;
  }

  endAt(text: GlobText, at: number): number {
    return text.startsWith(this.text, at) ? at + this.text.length : -1;
  }

  endOfFirst(text: GlobText, from: number): number {
    const wanted = this.text;
    this.#borders ??= bordersOf(wanted);
    const borders = this.#borders;
    let matched = 0;
    for (let at = from; at < text.length; at += 1) {
      const unit = text.charCodeAt(at);
      while (matched > 0 && unit !== wanted.charCodeAt(matched)) matched = borders[matched - 1] as number;
      if (unit === wanted.charCodeAt(matched)) matched += 1;
      if (matched === wanted.length) return at + 1;
    }
    return -1;
  }

  startOfLast(text: GlobText): number {
    return text.endsWith(this.text) ? text.length - this.text.length : -1;
  }
}

/**
 * For each beginning of a text, how long the longest shorter one is that it ends with: a search after Knuth, Morris and Pratt
 * looks at each unit of a text once or twice, whatever a stranger has it look for. `indexOf` takes far longer for some.
 */
function bordersOf(text: string): Uint16Array {
  const borders = new Uint16Array(text.length);
  let length = 0;
  for (let at = 1; at < text.length; at += 1) {
    while (length > 0 && text.charCodeAt(at) !== text.charCodeAt(length))
      length = borders[length - 1] as number;
    if (text.charCodeAt(at) === text.charCodeAt(length)) length += 1;
    borders[at] = length;
  }
  return borders;
}

/** Code points, with this for `?`. */
const ANY = -1;

class Masked implements Piece {
  readonly #points: readonly number[];

  constructor(run: readonly (string | typeof ONE)[]) {
    this.#points = run.flatMap((part) =>
      part === ONE ? [ANY] : Array.from(part, (character) => character.codePointAt(0) ?? 0),
    );
  }

  endAt(text: GlobText, from: number): number {
    let at = from;
    for (const point of this.#points) {
      const found = text.codePointAt(at);
      if (found === undefined || (point !== ANY && point !== found)) return -1;
      at += unitsOf(found);
    }
    return at;
  }

  endOfFirst(text: GlobText, from: number): number {
    const shortest = this.#points.length;
    for (let at = from; at + shortest <= text.length; at += unitsOf(text.codePointAt(at) ?? 0)) {
      const end = this.endAt(text, at);
      if (end >= 0) return end;
    }
    return -1;
  }

  startOfLast(text: GlobText): number {
    let at = text.length;
    for (let left = this.#points.length; left > 0; left -= 1) {
      at -= at >= 2 && (text.codePointAt(at - 2) ?? 0) > 0xffff ? 2 : 1;
      if (at < 0) return -1;
    }
    return this.endAt(text, at) === text.length ? at : -1;
  }
}

function unitsOf(point: number): 1 | 2 {
  return point > 0xffff ? 2 : 1;
}
