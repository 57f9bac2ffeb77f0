import type { ItemKey, Schema } from '@ioto/database';
import type { ItemStore } from '../ports/item-store.ts';
import { keyFor, type SyncIdentity } from './items/wire-item.ts';
import type { RequestHandler } from './service-messages.ts';

/**
 * Answers `store/get { "key" }` with the bare value, empty when there is none (Ioto contract §7). A question that brings a
 * text `typed` is answered `{ "typed", "value", "type" }` with that same text, and no value when there is none.
 */
export function storeGet({ schema, store }: { schema: Schema; store: ItemStore }): RequestHandler {
  return async (identity, body) => {
    const { key, typed } = body as { key?: unknown; typed?: unknown };
    const at = storeKey(schema, identity, key);
    const item = at && (await store.get(at.pk, at.sk));
    const value = item?.value === undefined ? undefined : textOf(item.value);
    if (typeof typed !== 'string' || typed.length > LONGEST_MARK) return value ?? '';
    return JSON.stringify({ typed, ...(value !== undefined && { value, type: item?.type }) });
  };
}

/** Characters of `typed`. */
const LONGEST_MARK = 64;

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function storeKey(schema: Schema, identity: SyncIdentity, key: unknown): ItemKey | undefined {
  try {
    return typeof key === 'string' ? keyFor(schema.model('Store'), { key }, identity) : undefined;
  } catch {
    // No item can have such a key, so there is none.
    return undefined;
  }
}
