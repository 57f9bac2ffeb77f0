const TEXT = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/.source;
/** `it('…',` and the `it.each` whose title comes after its table, as `)('…',`. */
const PLAIN = new RegExp(`\\b(?:it|test)\\(\\s*(${TEXT}),`, 'g');
const EACH = /\b(?:it|test)\.each\b/g;
const AFTER_TABLE = new RegExp(`\\)\\(\\s*(${TEXT}),`, 'g');

function unquoted(literal: string): string {
  return literal.slice(1, -1).replace(/\\(.)/g, '$1');
}

/** The titles of the tests in a source, as they stand there. */
export function titlesIn(source: string): Set<string> {
  const titles = new Set<string>();
  for (const [, literal = ''] of source.matchAll(PLAIN)) titles.add(unquoted(literal));
  for (const { index } of source.matchAll(EACH)) {
    AFTER_TABLE.lastIndex = index;
    const [, literal] = AFTER_TABLE.exec(source) ?? [];
    if (literal) titles.add(unquoted(literal));
  }
  return titles;
}

/** True for a title of the source, also one that a row of a table makes of it: what the row puts in must stand in the source. */
export function hasTest(source: string, title: string, titles = titlesIn(source)): boolean {
  if (titles.has(title)) return true;
  return [...titles].some((template) => {
    if (!/%[a-z]/.test(template)) return false;
    const pattern = template.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/%[a-z]/g, '(.+)');
    const values = new RegExp(`^${pattern}$`).exec(title)?.slice(1);
    return values?.every((value) => stands(source, value)) ?? false;
  });
}

function stands(source: string, value: string): boolean {
  return (
    /^\d+$/.test(value) || [`'${value}'`, `"${value}"`, `\`${value}\``].some((each) => source.includes(each))
  );
}
