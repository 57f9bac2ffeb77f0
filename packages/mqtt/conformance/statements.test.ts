import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Chapter, Statement } from './statement.ts';
import { STATEMENTS_3 } from './statements-3.ts';
import { STATEMENTS_5 } from './statements-5.ts';
import { hasTest, titlesIn } from './test-titles.ts';

const ROOT = new URL('../../../', import.meta.url);
const sources = new Map<string, string>();

function sourceOf(file: string): string {
  const known = sources.get(file);
  if (known !== undefined) return known;
  const url = new URL(file, ROOT);
  const source = existsSync(url) ? readFileSync(url, 'utf8') : '';
  sources.set(file, source);
  return source;
}

const all = (chapters: readonly Chapter[]): readonly Statement[] =>
  chapters.flatMap(({ statements }) => statements);
/** As `3.1.2` and `24`. */
const partsOf = ({ id }: Statement): [string, number] => {
  const [, clause = '', number = ''] = /^MQTT5?-([\d.]+)-(\d+)$/.exec(id) ?? [];
  return [clause, Number(number)];
};

/** How many statements appendix B of each standard lists, by chapter. */
const VERSIONS: [string, string, readonly Chapter[], Record<string, number>][] = [
  ['3.1.1', 'MQTT-', STATEMENTS_3, { 1: 3, 2: 9, 3: 95, 4: 26, 6: 4, 7: 4 }],
  ['5.0', 'MQTT5-', STATEMENTS_5, { 1: 5, 2: 7, 3: 175, 4: 60, 6: 4 }],
];

describe.each(VERSIONS)('the statements of MQTT %s', (_version, prefix, chapters, counts) => {
  const statements = all(chapters);

  it('are all there, in their order and once', () => {
    const seen: Record<string, number> = {};
    let [lastClause, lastNumber] = ['', 0];
    for (const statement of statements) {
      const [clause, number] = partsOf(statement);
      const chapter = clause.split('.')[0] ?? '';
      seen[chapter] = (seen[chapter] ?? 0) + 1;
      // The numbers of a clause run from 1; those of 2.2.1 in MQTT 5 begin with 2.
      const first = prefix === 'MQTT5-' && clause === '2.2.1' ? 2 : 1;
      expect([statement.id, number]).toEqual([
        `${prefix}${clause}-${number}`,
        clause === lastClause ? lastNumber + 1 : first,
      ]);
      [lastClause, lastNumber] = [clause, number];
    }
    expect(seen).toEqual(counts);
    expect(new Set(statements.map(({ id }) => id)).size).toBe(statements.length);
  });

  it('that are held are proven, and the others say why they are not', () => {
    const unproven = statements.filter(({ status, proof, note }) =>
      status === 'held' || status === 'codec' ? proof.length === 0 : status !== 'client' && !note,
    );
    expect(unproven).toEqual([]);
  });

  it('name tests that there are', () => {
    const missing = statements.flatMap(({ id, proof }) =>
      proof.filter(({ file, test }) => !hasTest(sourceOf(file), test)).map((each) => ({ id, ...each })),
    );
    expect(missing).toEqual([]);
  });
});

it('every statement that the server and its tests cite is a numbered one', () => {
  const known = new Set([...all(STATEMENTS_3), ...all(STATEMENTS_5)].map(({ id }) => id));
  const folder = new URL('packages/mqtt/', ROOT);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /^(src|fuzz|test)\/.*\.ts$/.test(file))
    .map((file) => `packages/mqtt/${file}`);
  const unknown = files.flatMap((file) =>
    [...sourceOf(file).matchAll(/MQTT5?-\d+\.[\d.]+-\d+/g)].filter(([id]) => !known.has(id)),
  );
  expect(unknown.map(([id]) => id)).toEqual([]);
  expect(files.length).toBeGreaterThan(50);
});

describe('titles of tests', () => {
  const source = `
    describe('not a test', () => {
      it('plain, it\\'s "one"', async () => {});
      it.each([
        ['first', () => act('x', () => 1)],
        ['second', 2],
      ])('a row %s goes', (_) => {});
      it.each<[number]>(ROWS)(
        'on %i, too',
        () => {},
      );
    });
  `;

  it('are those of it and it.each', () => {
    expect([...titlesIn(source)]).toEqual(['plain, it\'s "one"', 'a row %s goes', 'on %i, too']);
  });

  it('are found as written and as a row makes them', () => {
    const found = ['a row first goes', 'a row %s goes', 'on 7, too', 'plain, it\'s "one"'];
    const others = ['a row third goes', 'a row first', 'not a test', 'on z, too', 'plain'];
    expect([...found, ...others].filter((title) => hasTest(source, title))).toEqual(found);
  });
});
