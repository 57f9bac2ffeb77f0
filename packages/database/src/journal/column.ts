import { deepFreeze, type TextStore } from './operation.ts';

/** One attribute of several items, in whichever of these forms fits. */
export type Column =
  /** An element for each. */
  | readonly unknown[]
  /** Values that several have in a row: value, count, value, count, … */
  | { readonly runs: readonly unknown[] }
  /** Short texts, one text with separators between them. */
  | { readonly texts: string };

/**
 * DEL, which no JSON text needs to escape. JSON.parse looks each short text up among all that it ever made, which costs
 * more than all the rest of it; of one text they are cut without that.
 */
const SEPARATOR = '\x7f';
/** A piece of this length is copied out of a text; a longer one would hold on to the whole. */
const SHORT = 12;

export function columnOf(values: readonly unknown[]): Column {
  return runsOf(values) ?? textsOf(values) ?? values;
}

/** Undefined where that would be no shorter than the values themselves. */
function runsOf(values: readonly unknown[]): Column | undefined {
  const runs: unknown[] = [];
  let start = 0;
  for (let at = 1; at <= values.length; at += 1) {
    if (at < values.length && values[at] === values[start]) continue;
    runs.push(values[start], at - start);
    if (runs.length >= values.length) return undefined;
    start = at;
  }
  return { runs };
}

function textsOf(values: readonly unknown[]): Column | undefined {
  for (const value of values) {
    if (typeof value !== 'string' || value.length > SHORT || value.includes(SEPARATOR)) return undefined;
  }
  return { texts: values.join(SEPARATOR) };
}

/** The values of a column, frozen. Throws for what `columnOf` never makes. */
export function valuesOf(name: string, column: Column, texts: TextStore): readonly unknown[] {
  if (Array.isArray(column)) {
    for (const value of column) if (typeof value === 'object') deepFreeze(value);
    return column;
  }
  if ('texts' in column) return column.texts.split(SEPARATOR);
  const { runs } = column as { runs: readonly unknown[] };
  const values: unknown[] = [];
  for (let at = 0; at < runs.length; at += 2) {
    const value = texts.shared(name, runs[at]);
    for (let count = runs[at + 1] as number; count > 0; count -= 1) values.push(value);
  }
  return values;
}
