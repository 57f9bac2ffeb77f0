import type { Chapter, Proof, Statement, Status } from './statement.ts';
import { STATEMENTS_3 } from './statements-3.ts';
import { STATEMENTS_5 } from './statements-5.ts';

/** As the tables of the page say it. */
const WORDS: Record<Status, string> = {
  held: 'held',
  codec: 'held by the codec',
  client: 'client’s',
  moot: 'does not arise',
  deviation: '**deviation**',
};
const STATUSES = Object.keys(WORDS) as Status[];

/** `docs/mqtt-conformance.md`, made from the statements that a test holds to the tests which prove them. */
export function conformancePage(): string {
  const versions: [string, readonly Chapter[]][] = [
    ['MQTT 3.1.1', STATEMENTS_3],
    ['MQTT 5.0', STATEMENTS_5],
  ];
  return `# Conformance of the MQTT server

Made from \`packages/mqtt/conformance\` by \`npm run docs\`. Every numbered normative statement of MQTT 3.1.1 and 5.0
(OASIS standards, appendix B) stands here in our words, with the tests that fail where it does not hold; a test checks
that each of them is there. Read the standard beside it. Clauses of 5.0 are written \`MQTT5-\`, where the standard has
\`MQTT-\`, too.

- **held**: by the server. **held by the codec**: by what it parses and builds.
- **client’s**: binds clients only; where there is a test, it shows what the server does with one that breaks it.
- **does not arise**: speaks of what this server does not do.
- **deviation**: not held in every case; the text says in which.

${countsTable(versions)}
## Deviations

${versions.flatMap(([, chapters]) => deviationsOf(chapters)).join('\n')}

${versions.map(([name, chapters]) => `## ${name}\n\n${chapters.map(chapterTable).join('\n')}`).join('\n')}`;
}

function statementsOf(chapters: readonly Chapter[]): Statement[] {
  return chapters.flatMap(({ statements }) => statements);
}

function countsTable(versions: [string, readonly Chapter[]][]): string {
  const rows = versions.map(([name, chapters]) => {
    const statements = statementsOf(chapters);
    const counts = STATUSES.map((each) => statements.filter(({ status }) => status === each).length);
    return [name, statements.length, ...counts];
  });
  return table(['', 'statements', ...STATUSES.map((each) => WORDS[each].replaceAll('*', ''))], rows);
}

function deviationsOf(chapters: readonly Chapter[]): string[] {
  return statementsOf(chapters)
    .filter(({ status }) => status === 'deviation')
    .map(({ id, note }) => `- ${id}: ${note}`);
}

function chapterTable({ title, statements }: Chapter): string {
  const rows = statements.map(({ id, statement, status, proof, note }) => [
    id,
    WORDS[status],
    note ? `${statement} *${note}*` : statement,
    proofsCell(proof),
  ]);
  return `### ${title}\n\n${table(['clause', '', 'in our words', 'shown by'], rows)}`;
}

/** The tests of each file behind a link to it; without the clauses in their titles, which the row has. */
function proofsCell(proof: readonly Proof[]): string {
  const files = [...new Set(proof.map(({ file }) => file))];
  return files
    .map((file) => {
      const tests = proof.filter((each) => each.file === file).map(({ test }) => `“${withoutClauses(test)}”`);
      return `[${nameOf(file)}](../${file}): ${tests.join(', ')}`;
    })
    .join('; ');
}

function withoutClauses(title: string): string {
  return title.replace(/\s*\[MQTT5?-[\d.]+-\d+\]/g, '').trim();
}

function nameOf(file: string): string {
  return file.replace(/^.*\//, '').replace(/\.test\.ts$/, '');
}

function table(head: string[], rows: (string | number)[][]): string {
  const lines = [head, head.map(() => '---'), ...rows].map(
    (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`,
  );
  return `${lines.join('\n')}\n`;
}
