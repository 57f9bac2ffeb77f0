import { CodedError, json5, messageOf } from '@ioto/runtime';

/** Place in a file, both counted from 1. */
export interface Position {
  line: number;
  column: number;
}

/**
 * The object in a JSON5 text.
 *
 * @throws CONFIG_SYNTAX naming file, line and column.
 */
export function parseJson5(text: string, file: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = json5.parse(text);
  } catch (error) {
    const { row = 1, column = 1 } = error as { row?: number; column?: number };
    const reason = messageOf(error)
      .split('\n', 1)[0]
      ?.replace(/ at \d+:\d+$/, '');
    throw new CodedError('CONFIG_SYNTAX', `${file}:${row}:${column}: ${reason}`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CodedError('CONFIG_SYNTAX', `${file}:1:1: expected an object in braces`);
  }
  return value as Record<string, unknown>;
}

/** The text with the value's properties set or added; comments and order of the rest stay. */
export function updateJson5(text: string, value: Record<string, unknown>): string {
  return json5.update(text, value);
}

/** Where the property at `path` stands, or undefined when the text does not have it. */
export function positionOf(text: string, path: readonly (string | number)[]): Position | undefined {
  const parent = path.slice(0, -1);
  const name = path.at(-1);
  let offset = 0;
  let found: number | undefined;
  for (const token of json5.tokenize(text)) {
    const isKey = token.type === 'key' && token.value === name && samePath(token.stack, parent);
    const isElement = typeof name === 'number' && token.type === 'literal' && samePath(token.stack, path);
    // Of a property that is written twice the last one counts, as it does for the parser.
    if (isKey || isElement) found = offset;
    offset += token.raw.length;
  }
  return found === undefined ? undefined : toPosition(text, found);
}

function samePath(left: readonly (string | number)[], right: readonly (string | number)[]): boolean {
  return left.length === right.length && left.every((part, index) => String(part) === String(right[index]));
}

function toPosition(text: string, offset: number): Position {
  const lines = text.slice(0, offset).split(/\r\n|[\n\r\u2028\u2029]/);
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}
