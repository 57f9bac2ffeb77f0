import { once } from 'node:events';
import type { DbRow } from './answer.ts';
import type { DbRequest } from './request.ts';
import { statsInWords, type Words } from './words.ts';

/** The part of a stream that is written to. */
export interface Output {
  write(text: string): boolean;
  once(event: 'drain', listener: () => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Terminal {
  readonly stdout: unknown;
  readonly stdin: NodeJS.ReadableStream;
}

type Facts = Readonly<Record<string, unknown>>;

/** Columns are cut off where a terminal ends, but for this many characters of a value in any case. */
const LEAST_WIDTH = 8;
const WIDEST = 40;
/** The same for every item, or seldom asked for: a terminal that is too narrow goes without them first. */
const LAST_COLUMNS = ['created', 'updated', 'deviceId', 'accountId'];

/**
 * Prints rows for a person, or, with `json`, for a program: an object a line. Items are printed as they are; where there are
 * more of them, the last line is `{ "next": … }`.
 */
export class Printer {
  readonly #output: Output;
  readonly #json: boolean;

  constructor(output: Output, json: boolean) {
    this.#output = output;
    this.#json = json;
  }

  async print(verb: DbRequest['verb'], rows: AsyncIterable<DbRow>): Promise<void> {
    if (this.#json) {
      for await (const row of rows) await this.#line(JSON.stringify(contentOf(row)));
    } else if (verb === 'export') {
      await this.#list(rows);
    } else {
      await this.#tables(verb, rows);
    }
  }

  async import(imported: number): Promise<void> {
    const words = `${imported} item${imported === 1 ? '' : 's'} imported`;
    await this.#line(this.#json ? JSON.stringify({ imported }) : words);
  }

  /** One object: a line for each of its facts, in `words` for a person. */
  async facts(object: Facts, words?: Words): Promise<void> {
    if (this.#json) return this.#line(JSON.stringify(object));
    const facts: Facts = words ?? object;
    const known = Object.entries(facts).filter(([, value]) => value !== undefined);
    const width = Math.max(0, ...known.map(([name]) => name.length));
    for (const [name, value] of known) await this.#line(`${name.padEnd(width)}  ${textOf(value)}`);
  }

  /** The list that `import` takes, written as it comes. */
  async #list(rows: AsyncIterable<DbRow>): Promise<void> {
    let before = '[';
    for await (const row of rows) {
      await this.#write(`${before}\n  ${JSON.stringify(contentOf(row))}`);
      before = ',';
    }
    await this.#write(before === '[' ? '[]\n' : '\n]\n');
  }

  async #tables(verb: DbRequest['verb'], rows: AsyncIterable<DbRow>): Promise<void> {
    const facts: Facts[] = [];
    let next: string | undefined;
    for await (const row of rows) {
      if ('next' in row) next = row.next;
      else if ('stats' in row) await this.facts({ ...row.stats }, statsInWords(row.stats));
      else facts.push(contentOf(row));
    }
    if (verb === 'stats') return;
    if (verb === 'get') {
      for (const each of facts) await this.facts(each);
      return;
    }
    if (facts.length === 0) return this.#line('no items');
    const { lines, without } = tableOf(facts, this.#output.isTTY ? this.#output.columns : undefined);
    for (const line of lines) await this.#line(line);
    if (without.length > 0) await this.#line(`\nno room for ${without.join(', ')}: --json shows all`);
    if (next !== undefined) await this.#line(`\nthere are more: --next ${quoted(next)}`);
  }

  #line(text: string): Promise<void> {
    return this.#write(`${text}\n`);
  }

  async #write(text: string): Promise<void> {
    if (!this.#output.write(text)) await once(this.#output as never, 'drain');
  }
}

function contentOf(row: DbRow): Facts {
  if ('item' in row) return row.item;
  return 'stats' in row ? { ...row.stats } : row;
}

/**
 * The fields that the rows have, as columns, numbers to the right; in a terminal of so many characters as many as there is
 * room for, and the names of those `without`.
 */
export function tableOf(
  rows: readonly Facts[],
  columns = Number.POSITIVE_INFINITY,
): { lines: string[]; without: string[] } {
  const present = new Set(rows.flatMap((row) => Object.keys(row)));
  present.delete('_type');
  const last = LAST_COLUMNS.filter((name) => present.delete(name));
  const shown: Column[] = [];
  const without: string[] = [];
  let room = columns;
  for (const name of [...present, ...last]) {
    const column = columnOf(name, rows);
    const width = Math.min(column.width, room);
    if (without.length > 0 || width < Math.min(LEAST_WIDTH, column.width)) {
      without.push(name);
    } else {
      shown.push({ ...column, width });
      room -= width + GAP.length;
    }
  }
  const lines = [undefined, ...rows].map((row) => {
    const cells = shown.map((column) => fitted(row ? textOf(row[column.name]) : column.name, column));
    return cells.join(GAP).trimEnd();
  });
  return { lines, without };
}

interface Column {
  name: string;
  width: number;
  isNumber: boolean;
}

const GAP = '  ';

function columnOf(name: string, rows: readonly Facts[]): Column {
  let width = name.length;
  let isNumber = true;
  for (const { [name]: value } of rows) {
    width = Math.max(width, textOf(value).length);
    isNumber &&= value === undefined || typeof value === 'number';
  }
  return { name, width: Math.min(WIDEST, width), isNumber };
}

function fitted(text: string, { width, isNumber }: Column): string {
  if (text.length > width) return `${text.slice(0, Math.max(0, width - 1))}…`;
  return isNumber ? text.padStart(width) : text.padEnd(width);
}

/** As a shell takes it for one word. */
function quoted(text: string): string {
  return `'${text.replace(/'/g, "'\\''")}'`;
}

/** A value as text of one line; what would move the cursor of a terminal is not passed on. */
function textOf(value: unknown): string {
  if (value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.replace(/\p{Cc}/gu, '?');
}
