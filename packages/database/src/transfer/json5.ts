import { json5, messageOf } from '@ioto/runtime';
import { fail } from '../errors.ts';
import { isPlainObject } from '../items/frozen.ts';
import type { Item } from '../items/item.ts';
import type { Properties } from '../schema/definition.ts';

/** A list with one item a line, which JSON5 readers and plain JSON readers take alike. */
export function formatItems(items: readonly Item[]): string {
  return items.length === 0
    ? '[]\n'
    : `[\n${items.map((item) => `  ${JSON.stringify(item)}`).join(',\n')}\n]\n`;
}

/**
 * The items in a JSON5 text: a list of objects. Or one object of plain JSON a line, as programs write them; none of them for
 * no text at all.
 *
 * @throws IMPORT_INVALID naming line and column, or the item, and what is wrong.
 */
export function parseItems(text: string): Properties[] {
  if (text.trim() === '') return [];
  if (/^\s*\{/.test(text)) return parseLines(text);
  let items: unknown;
  try {
    items = json5.parse(text);
  } catch (error) {
    // What is nested ten thousand times is more than the parser's stack takes.
    const [problem] = error instanceof RangeError ? ['nested too deeply'] : messageOf(error).split('\n', 1);
    throw fail('IMPORT_INVALID', `the items are no JSON5: ${problem}`, { cause: error });
  }
  if (!Array.isArray(items)) throw fail('IMPORT_INVALID', 'the items must be a list of objects');
  return items.map((item: unknown, at) => {
    if (isPlainObject(item)) return item;
    throw fail('IMPORT_INVALID', `item ${at + 1} of the list must be an object`);
  });
}

function parseLines(text: string): Properties[] {
  return text.split('\n').flatMap((line, at) => {
    if (line.trim() === '') return [];
    try {
      const item: unknown = JSON.parse(line);
      if (isPlainObject(item)) return [item];
    } catch (cause) {
      throw fail('IMPORT_INVALID', `line ${at + 1} is no JSON: ${messageOf(cause)}`, { cause });
    }
    throw fail('IMPORT_INVALID', `line ${at + 1} must be an object`);
  });
}
