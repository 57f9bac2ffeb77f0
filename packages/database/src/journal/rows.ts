import { fromRow, type Operation, TextStore, toRow } from './operation.ts';
import { blockOf, endOfBlock, readBlock } from './put-block.ts';

/** The JSON text of operations, in their order: a list of rows. */
export function encodeRows(operations: readonly Operation[]): string {
  const rows: (readonly unknown[])[] = [];
  for (let at = 0; at < operations.length; ) {
    const end = endOfBlock(operations, at);
    if (end > at) {
      rows.push(blockOf(operations, at, end));
      at = end;
    } else {
      rows.push(toRow(operations[at] as Operation));
      at += 1;
    }
  }
  return JSON.stringify(rows);
}

/** The inverse of `encodeRows`. Throws for a text of no known form. */
export function decodeRows(
  text: string,
  visit: (operation: Operation) => void,
  texts: TextStore = new TextStore(),
): void {
  const rows: unknown = JSON.parse(text);
  if (!Array.isArray(rows)) throw new TypeError('operations are a list of rows');
  for (const row of rows) {
    if (Array.isArray(row) && row[0] === 'b') readBlock(row, texts, visit);
    else visit(fromRow(row, texts));
  }
}
