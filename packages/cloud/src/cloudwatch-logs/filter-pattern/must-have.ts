/** Words of which a text has at least one of each list (see LogMatcher). */
export type MustHave = readonly (readonly string[])[];

/** More lists than this do not let more texts be passed over. */
const MOST_LISTS = 16;
const MOST_WORDS = 16;

export function allOf(parts: readonly MustHave[]): MustHave {
  return parts.flat().slice(0, MOST_LISTS);
}

/** What a text must have that satisfies one of the parts: the most telling list of each, together. */
export function oneOf(parts: readonly MustHave[]): MustHave {
  const lists = parts.map(mostTelling);
  if (lists.some((list) => list === undefined)) return [];
  const words = [...new Set(lists.flatMap((list) => list ?? []))];
  return words.length > 0 && words.length <= MOST_WORDS ? [words] : [];
}

/** The longest, which texts are looked through for. */
export function longest(literals: readonly string[]): string | undefined {
  return [...literals].sort((a, b) => b.length - a.length)[0];
}

/** Long words are rare ones. */
function mostTelling(mustHave: MustHave): readonly string[] | undefined {
  const shortest = (list: readonly string[]) => Math.min(...list.map(({ length }) => length));
  return [...mustHave].sort((a, b) => shortest(b) - shortest(a))[0];
}
