import { dirname, resolve } from 'node:path';
import { json5, messageOf } from '@ioto/runtime';
import { isPlainObject } from '../items/frozen.ts';
import { invalid } from './invalid.ts';

type Definition = Record<string, unknown>;

/** Files that one may blend in within another. */
const DEEPEST = 8;

/**
 * The definition of a schema in a JSON5 file. `blend` names other files, relative to it: they are laid over each other in
 * their order, and the file itself over them; objects are merged by their names, everything else is replaced.
 *
 * @param read The text of a file, undefined when there is none.
 * @throws SCHEMA_INVALID naming the file, and line and column of what is no JSON5.
 */
export async function readSchema(
  file: string,
  read: (path: string) => Promise<string | undefined>,
): Promise<Definition> {
  return readBlended(resolve(file), read, []);
}

async function readBlended(
  file: string,
  read: (path: string) => Promise<string | undefined>,
  within: readonly string[],
): Promise<Definition> {
  if (within.includes(file)) throw invalid(file, 'blends itself in, by way of others');
  if (within.length > DEEPEST) throw invalid(file, `is blended in more than ${DEEPEST} deep`);
  const text = await read(file);
  if (text === undefined)
    throw invalid(file, within.length > 0 ? `is missing: ${within.at(-1)} blends it in` : 'is missing');
  const { blend = [], ...own } = parse(text, file);
  if (!Array.isArray(blend) || !blend.every((each) => typeof each === 'string')) {
    throw invalid(file, 'blend must be a list of file names');
  }
  let blended: Definition = {};
  for (const name of blend as string[]) {
    const other = await readBlended(resolve(dirname(file), name), read, [...within, file]);
    blended = laidOver(blended, other);
  }
  return laidOver(blended, own);
}

function parse(text: string, file: string): Definition {
  let value: unknown;
  try {
    value = json5.parse(text);
  } catch (error) {
    const { row = 1, column = 1 } = error as { row?: number; column?: number };
    const [reason = ''] = messageOf(error).split('\n', 1);
    throw invalid(`${file}:${row}:${column}`, `is no JSON5: ${reason}`);
  }
  if (!isPlainObject(value)) throw invalid(file, 'must be an object in braces');
  return value;
}

function laidOver(under: Definition, over: Definition): Definition {
  const result: Definition = { ...under };
  for (const [name, value] of Object.entries(over)) {
    const below = Object.hasOwn(result, name) ? result[name] : undefined;
    result[name] = isPlainObject(below) && isPlainObject(value) ? laidOver(below, value) : value;
  }
  return result;
}
