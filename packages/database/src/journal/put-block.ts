import type { ChangeCommand } from '@ioto/protocol';
import { recordOf } from '../items/record.ts';
import type { Properties } from '../schema/definition.ts';
import { type Column, columnOf, valuesOf } from './column.ts';
import type { Operation, TextStore } from './operation.ts';

type Put = Extract<Operation, { op: 'put' }>;

/** Fewer than these are not worth a block. */
const LEAST = 3;

/**
 * `['b', model, outbox, pk, names, seqs, sks, columns]`: items of one model and partition that have the same attributes.
 * Their names are written once, and so is what the items next to each other have in common: half of the bytes of most
 * journals, and half of the time that it takes to write and to read them.
 */
export type BlockRow = readonly [
  letter: 'b',
  model: string,
  outbox: ChangeCommand | null,
  pk: string,
  names: readonly string[],
  seqs: Column,
  sks: Column,
  columns: readonly Column[],
];

/** The place behind the operations that go into one block with the one at `from`; `from` when there are too few of them. */
export function endOfBlock(operations: readonly Operation[], from: number): number {
  const first = operations[from];
  if (first?.op !== 'put') return from;
  const names = Object.keys(first.record.attributes);
  let end = from + 1;
  while (end < operations.length && isAlike(operations[end] as Operation, first, names)) end += 1;
  return end - from < LEAST ? from : end;
}

function isAlike(operation: Operation, first: Put, names: readonly string[]): boolean {
  if (operation.op !== 'put' || operation.outbox !== first.outbox) return false;
  const { pk, model, attributes } = operation.record;
  if (pk !== first.record.pk || model !== first.record.model) return false;
  const own = Object.keys(attributes);
  if (own.length !== names.length) return false;
  for (let at = 0; at < own.length; at += 1) if (own[at] !== names[at]) return false;
  return true;
}

/** The block of operations for which `endOfBlock` found one. */
export function blockOf(operations: readonly Operation[], from: number, end: number): BlockRow {
  const puts = operations.slice(from, end) as Put[];
  const { record, outbox } = puts[0] as Put;
  const names = Object.keys(record.attributes);
  const columns = names.map((name) => columnOf(puts.map((put) => put.record.attributes[name])));
  const seqs = columnOf(puts.map(({ seq }) => seq));
  const sks = columnOf(puts.map((put) => put.record.sk));
  return ['b', record.model, outbox ?? null, record.pk, names, seqs, sks, columns];
}

/** Hands on the operations of a block. Throws for what `blockOf` never makes. */
export function readBlock(row: readonly unknown[], texts: TextStore, visit: (put: Operation) => void): void {
  const [, model, outbox, pk, names, seqs, sks, columns] = row as BlockRow;
  const key = { pk: texts.share('pk', pk), sk: '' };
  const rows = valuesOf('sk', sks, texts) as string[];
  const numbers = valuesOf('seq', seqs, texts) as number[];
  const values = names.map((name, at) => valuesOf(name, columns[at] as Column, texts));
  if (names.includes('__proto__')) throw new TypeError('no attribute has this name');
  if ([numbers, ...values].some(({ length }) => length !== rows.length)) {
    throw new TypeError('the columns of a block are of one length');
  }
  const Attributes = texts.attributesOf(names);
  for (let at = 0; at < rows.length; at += 1) {
    const attributes = new Attributes();
    for (let column = 0; column < names.length; column += 1) {
      attributes[names[column] as string] = (values[column] as unknown[])[at];
    }
    key.sk = rows[at] as string;
    const record = recordOf(key, model, Object.freeze(attributes) as Properties);
    visit({ op: 'put', seq: numbers[at] as number, record, outbox: outbox ?? undefined });
  }
}
