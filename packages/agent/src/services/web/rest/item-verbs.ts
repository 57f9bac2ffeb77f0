import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Database, Item, Model } from '@ioto/database';
import { type Verdict, weighConditions } from '../conditional/preconditions.ts';
import { webError } from '../errors.ts';
import {
  addressOf,
  filterOf,
  othersOf,
  propertiesOfKey,
  requireWritable,
  settableOf,
} from './item-fields.ts';

/** Items of a list. */
const MOST_ITEMS = 100;
/** Characters of a list, beyond which it ends earlier. */
const MOST_TEXT = 1024 * 1024;

export interface Asked {
  database: Database;
  model: Model;
  method: string;
  headers: IncomingHttpHeaders;
}

/** What becomes of a request. */
export interface Outcome {
  status: 200 | 201 | 204 | 304;
  value?: unknown;
  etag?: string;
  /** Of a new item, below the route. */
  address?: string | undefined;
}

/** The items of a model, page by page. @throws WEB_BODY_SYNTAX; errors of the database */
export function list({ database, model }: Asked, query: URLSearchParams): Outcome {
  const told = query.get('limit');
  const limit = told === null ? MOST_ITEMS : Number(told);
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST_ITEMS) {
    throw webError('WEB_BODY_SYNTAX', `limit must be a whole number from 1 to ${MOST_ITEMS}`);
  }
  const next = query.get('next') ?? undefined;
  const filter = filterOf(model, query);
  const page = database.find(model.name, filter, { limit, next });
  const fits = fitting(page);
  const items = fits === page.length ? page : database.find(model.name, filter, { limit: fits, next });
  return { status: 200, value: { items, ...(items.next !== undefined && { next: items.next }) } };
}

function fitting(items: readonly Item[]): number {
  let text = 0;
  let count = 0;
  for (const item of items) {
    text += JSON.stringify(item).length;
    if (count > 0 && text > MOST_TEXT) break;
    count += 1;
  }
  return count;
}

/** @throws WEB_NOT_FOUND, WEB_CONDITION; errors of the database */
export function get(asked: Asked, key: readonly string[]): Outcome {
  const { database, model } = asked;
  const item = database.get(model.name, propertiesOfKey(model, key));
  if (!item) throw missing(model);
  const etag = etagOf(item);
  const verdict = weigh(asked, item);
  if (verdict === 'failed') throw unmet();
  return verdict === 'not modified' ? { status: 304, etag } : { status: 200, etag, value: item };
}

/** @throws as `get` does */
export async function create({ database, model }: Asked, sent: unknown): Promise<Outcome> {
  const item = await database.create(model.name, settableOf(model, database, sent));
  return { status: 201, value: item, etag: etagOf(item), address: addressOf(model, item) };
}

/**
 * Changes an item, or with PUT makes it another as a whole, be it there yet or not. Conditions are weighed and the change is
 * made at once, so that nobody comes between.
 *
 * @throws as `get` does; WEB_CONFLICT
 */
export async function change(asked: Asked, key: readonly string[], sent: unknown): Promise<Outcome> {
  const { database, model, method } = asked;
  const address = propertiesOfKey(model, key);
  const properties = { ...settableOf(model, database, sent), ...address };
  const before = database.get(model.name, address);
  if (!before && method === 'PATCH') throw missing(model);
  if (weigh(asked, before) !== 'go on') throw unmet();
  if (!before) {
    const made = await database.create(model.name, properties);
    return { status: 201, value: made, etag: etagOf(made), address: addressOf(model, made) };
  }
  const whole = method === 'PUT' ? { ...othersOf(model, database, properties), ...properties } : properties;
  requireWritable(model, whole, before);
  const item = await database.update(model.name, whole);
  return { status: 200, value: item, etag: etagOf(item) };
}

/** @throws as `get` does */
export async function remove(asked: Asked, key: readonly string[]): Promise<Outcome> {
  const { database, model } = asked;
  const address = propertiesOfKey(model, key);
  const before = database.get(model.name, address);
  if (!before) throw missing(model);
  if (weigh(asked, before) !== 'go on') throw unmet();
  await database.remove(model.name, address);
  return { status: 204 };
}

function weigh({ method, headers, database }: Asked, item: Item | undefined): Verdict {
  const { updated = '' } = database.schema.timestamps;
  const modified = item && new Date((item[updated] as string | number | undefined) ?? 0).getTime();
  return weighConditions(method, headers, item && { etag: etagOf(item), modified: modified ?? 0 });
}

/** Of what a client sees of it. */
function etagOf(item: Item): string {
  return `"${createHash('sha256').update(JSON.stringify(item)).digest('base64url').slice(0, 22)}"`;
}

function missing({ name }: Model): Error {
  return webError('WEB_NOT_FOUND', `There is no such ${name}`);
}

function unmet(): Error {
  return webError('WEB_CONDITION', 'The condition of the request does not hold');
}
