import { once } from 'node:events';
import type { DbRow } from './answer.ts';
import type { DbRequest } from './request.ts';

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
    await this.#line(this.#json ? JSON.stringify({ imported }) : `${imported} items imported`);
  }

  /** One object: a line for each of its facts. */
  async facts(facts: Facts): Promise<void> {
    if (this.#json) return this.#line(JSON.stringify(facts));
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
      else facts.push(contentOf(row));
    }
    if (verb === 'get' || verb === 'stats') {
      for (const each of facts) await this.facts(each);
      return;
    }
    for (const line of tableOf(facts, this.#output.isTTY ? this.#output.columns : undefined))
      await this.#line(line);
    if (next !== undefined) await this.#line(`\nthere are more: --next ${next}`);
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
  return 'stats' in row ? row.stats : row;
}

/** The fields that the rows have, as columns; in a terminal of so many characters as many as there is room for. */
export function tableOf(rows: readonly Facts[], columns = Number.POSITIVE_INFINITY): string[] {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => name !== '_type');
  const table = [names, ...rows.map((row) => names.map((name) => textOf(row[name])))];
  const widths = names.map((_, at) =>
    Math.min(WIDEST, Math.max(...table.map((cells) => cells[at]?.length ?? 0))),
  );
  return table.map((cells) => {
    let line = '';
    for (const [at, cell] of cells.entries()) {
      const width = Math.min(widths[at] ?? 0, columns - line.length);
      if (width < Math.min(LEAST_WIDTH, widths[at] ?? 0)) break;
      line += `${fitted(cell, width)}  `;
    }
    return line.trimEnd();
  });
}

function fitted(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text.padEnd(width);
}

/** A value as text of one line; what would move the cursor of a terminal is not passed on. */
function textOf(value: unknown): string {
  if (value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.replace(/\p{Cc}/gu, '?');
}
