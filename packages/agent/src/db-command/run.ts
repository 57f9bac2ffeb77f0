import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { type Database, type Item, parseItems } from '@ioto/database';
import { CodedError, isCodedError, messageOf, systemCode } from '@ioto/runtime';
import type { AgentOptions } from '../agent.ts';
import { requestRows } from '../control/ask-agent.ts';
import { answerDb, type DbRow } from './answer.ts';
import type { DbInvocation } from './command-line.ts';
import { DatabaseFiles } from './files.ts';
import { type Output, Printer, type Terminal } from './print.ts';
import type { DbRequest } from './request.ts';
import { checkInWords, salvageInWords } from './words.ts';

/** Items, and characters of them, that are imported at once: all of them or none. */
const LOT = 500;
const LOT_SIZE = 512 * 1024;
/** Bytes of a file to import, which is read as a whole. */
const LARGEST_FILE = 256 * 1024 * 1024;

/**
 * Does what `ioto db` was asked for: by way of the agent where one runs on the state directory, else on its files. Resolves
 * with the exit code.
 *
 * @throws what is wrong, for a person to read.
 */
export async function runDb(
  { action, json }: DbInvocation,
  options: AgentOptions,
  program: Terminal,
): Promise<number> {
  const files = await DatabaseFiles.locate(options);
  const printer = new Printer(program.stdout as Output, json);
  try {
    switch (action.verb) {
      case 'request':
        await printer.print(action.request.verb, ask(files, action.request));
        return 0;
      case 'import':
        await printer.import(await importFile(files, action, program.stdin));
        return 0;
      case 'check': {
        const check = await files.check();
        await printer.facts({ ...check }, checkInWords(check));
        return check.isSound ? 0 : 1;
      }
      case 'salvage': {
        const salvaged = await files.salvage();
        await printer.facts(salvaged ? { ...salvaged } : { salvaged: false }, salvageInWords(salvaged));
        return 0;
      }
    }
  } catch (error) {
    throw withChoices(error);
  }
}

/** The rows of an answer, from the agent that runs, or from the files when none does. */
async function* ask(files: DatabaseFiles, request: DbRequest): AsyncGenerator<DbRow> {
  let isAnswered = false;
  try {
    for await (const row of requestRows<DbRow>(files.state, { do: 'db', ...request })) {
      isAnswered = true;
      yield row;
    }
    return;
  } catch (error) {
    if (isAnswered || !isCodedError(error, 'CONTROL_NONE')) throw error;
  }
  const database = await files.look();
  yield* answerDb(database, request);
}

/** Imports by the agent, or into the files when none runs. Resolves with the number of items. */
async function importFile(
  files: DatabaseFiles,
  { file, replace }: { file: string; replace: boolean },
  stdin: Terminal['stdin'],
): Promise<number> {
  const lots = lotsOf(parseItems(await readSource(file, stdin)));
  try {
    return await importLots(lots, replace, (request) =>
      requestRows<DbRow>(files.state, { do: 'db', ...request }),
    );
  } catch (error) {
    if (!isCodedError(error, 'CONTROL_NONE')) throw error;
  }
  return files.write((database: Database) =>
    importLots(lots, replace, (request) => answerDb(database, request)),
  );
}

async function importLots(
  lots: readonly Item[][],
  replace: boolean,
  send: (request: DbRequest) => AsyncIterable<DbRow>,
): Promise<number> {
  let imported = 0;
  for (const items of lots) {
    try {
      for await (const row of send({ verb: 'import', items, first: imported + 1, replace })) {
        if ('imported' in row) imported += row.imported;
      }
    } catch (caught) {
      const error = withPlace(caught, imported + 1);
      if (imported === 0 || !isCodedError(error)) throw error;
      const { details } = error;
      const code = error.code === 'CONTROL_NONE' ? 'CONTROL_BROKEN' : error.code;
      const message = `${messageOf(error)}. The first ${imported} items are imported: mend what was wrong, and import it again with --replace`;
      throw new CodedError(code, message, { cause: error, details });
    }
  }
  return imported;
}

/** What is too large to be sent is one item: more go together only while they are small. */
function withPlace(error: unknown, place: number): unknown {
  if (!isCodedError(error, 'CONTROL_TOO_LARGE')) return error;
  return new CodedError(error.code, `item ${place}: ${messageOf(error)}`, { cause: error });
}

function lotsOf(items: readonly Item[]): Item[][] {
  const lots: Item[][] = [];
  let room = 0;
  for (const item of items) {
    const size = JSON.stringify(item).length;
    const lot = lots.at(-1);
    if (lot && lot.length < LOT && size <= room) {
      lot.push(item);
      room -= size;
    } else {
      lots.push([item]);
      room = LOT_SIZE - size;
    }
  }
  return lots;
}

async function readSource(file: string, stdin: Terminal['stdin']): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = file === '-' ? await buffer(stdin) : await readFile(file);
  } catch (cause) {
    throw new CodedError('USAGE', `db import: ${file} cannot be read (${systemCode(cause)})`, { cause });
  }
  if (bytes.length > LARGEST_FILE) {
    throw new CodedError('USAGE', `db import: ${file} is larger than 256 MB: import it in parts`);
  }
  try {
    // Read as it is, a byte of another encoding would become a question mark in an item.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new CodedError('USAGE', `db import: ${file} is no text in UTF-8`, { cause });
  }
}

/** Whoever names a model or an index that there is not wants to know which there are. */
function withChoices(error: unknown): unknown {
  if (!isCodedError(error)) return error;
  const { models, indexes } = error.details ?? {};
  const choices =
    error.code === 'MODEL_UNKNOWN' ? models : error.code === 'INDEX_UNKNOWN' ? indexes : undefined;
  if (!Array.isArray(choices)) return error;
  const message = `${messageOf(error)}; it has ${choices.join(', ') || 'none'}`;
  return new CodedError(error.code, message, { cause: error, details: error.details });
}
