import { setImmediate } from 'node:timers/promises';
import type { Database, DatabaseStats, Item } from '@ioto/database';
import { CodedError, isCodedError, messageOf } from '@ioto/runtime';
import { bytesPerChange } from '../figures/agent-figures.ts';
import type { DbRequest } from './request.ts';

/** Items that are read in one turn of the loop: whatever else the agent has to do comes between two lots. */
const PAGE = 100;

/** A row of an answer. */
export type DbRow =
  | { item: Item }
  | { next: string }
  | { model: string; items: number; sync?: string; durability?: string }
  | { imported: number }
  | { stats: DatabaseStats & { bytesPerChange?: number } };

type Request<V extends DbRequest['verb']> = Extract<DbRequest, { verb: V }>;

/**
 * Answers `ioto db`, row by row, so that an answer of any length neither fills the memory nor keeps the agent from its work.
 * An export therefore is not of one moment: an item that changes meanwhile is in it as before or as after.
 *
 * @throws whatever the database refuses; ITEM_MISSING for a `get` without an item.
 */
export function answerDb(database: Database, request: DbRequest): AsyncIterable<DbRow> {
  switch (request.verb) {
    case 'models':
      return modelsOf(database);
    case 'find':
      return find(database, request);
    case 'get':
      return get(database, request);
    case 'count':
      return count(database, request);
    case 'export':
      return exportItems(database, request);
    case 'import':
      return importItems(database, request);
    case 'stats':
      return stats(database);
  }
}

async function* modelsOf(database: Database): AsyncGenerator<DbRow> {
  for (const { name, sync } of database.schema.models.values()) {
    yield { model: name, items: await sizeOf(database, name), sync, durability: database.durabilityOf(name) };
  }
}

async function* find(database: Database, request: Request<'find'>): AsyncGenerator<DbRow> {
  const { model, properties, limit, next, index, hidden } = request;
  const page = database.find(model, properties, { limit, next, index, hidden });
  for (const item of page) yield { item };
  if (page.next !== undefined) yield { next: page.next };
}

async function* get(
  database: Database,
  { model, properties, hidden }: Request<'get'>,
): AsyncGenerator<DbRow> {
  const item = database.get(model, properties, { hidden });
  if (!item) throw new CodedError('ITEM_MISSING', `there is no such ${model}`);
  yield { item };
}

async function* count(database: Database, { model }: Request<'count'>): AsyncGenerator<DbRow> {
  const names =
    model === undefined ? [...database.schema.models.keys()] : [database.schema.model(model).name];
  for (const name of names) yield { model: name, items: await sizeOf(database, name) };
}

async function* exportItems(
  database: Database,
  { models, hidden }: Request<'export'>,
): AsyncGenerator<DbRow> {
  for (const name of models) database.schema.model(name);
  for (const name of models.length > 0 ? models : database.schema.models.keys()) {
    for await (const page of pagesOf(database, name, hidden)) for (const item of page) yield { item };
  }
}

/** All of them or none. */
async function* importItems(
  database: Database,
  { items, first, replace }: Request<'import'>,
): AsyncGenerator<DbRow> {
  const { typeField } = database.schema;
  await database.transact((transaction) => {
    for (const [at, item] of items.entries()) {
      try {
        transaction.create(modelOf(item, typeField), item, { replace, origin: 'import' });
      } catch (error) {
        if (!isCodedError(error)) throw error;
        const { code, details } = error;
        throw new CodedError(code, `item ${first + at}: ${messageOf(error)}`, { cause: error, details });
      }
    }
  });
  yield { imported: items.length };
}

function modelOf(item: Item, typeField: string): string {
  const model = item[typeField];
  if (typeof model === 'string') return model;
  throw new CodedError('IMPORT_INVALID', `it has no ${typeField}, which says of what model it is`);
}

async function* stats(database: Database): AsyncGenerator<DbRow> {
  const figures = database.stats;
  yield { stats: { ...figures, bytesPerChange: bytesPerChange(figures) } };
}

async function sizeOf(database: Database, model: string): Promise<number> {
  let size = 0;
  for await (const page of pagesOf(database, model)) size += page.length;
  return size;
}

async function* pagesOf(database: Database, model: string, hidden?: boolean) {
  let next: string | undefined;
  do {
    const page: readonly Item[] & { next?: string } = database.find(model, {}, { limit: PAGE, next, hidden });
    yield page;
    next = page.next;
    await setImmediate();
  } while (next !== undefined);
}
