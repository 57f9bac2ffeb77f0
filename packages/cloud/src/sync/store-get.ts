import type { ItemKey, Schema } from '@ioto/database';
import type { ItemStore } from '../ports/item-store.ts';
import type { RequestHandler } from './service-messages.ts';
import { keyFor, type SyncIdentity } from './wire-item.ts';

/** Answers `store/get { "key" }` with the bare value, empty when there is none (Ioto contract §7). */
export function storeGet({ schema, store }: { schema: Schema; store: ItemStore }): RequestHandler {
  return async (identity, body) => {
    const at = storeKey(schema, identity, (body as { key?: unknown }).key);
    const item = at && (await store.get(at.pk, at.sk));
    const value = item?.value;
    if (value === undefined) return '';
    return typeof value === 'string' ? value : JSON.stringify(value);
  };
}

function storeKey(schema: Schema, identity: SyncIdentity, key: unknown): ItemKey | undefined {
  try {
    return typeof key === 'string' ? keyFor(schema.model('Store'), { key }, identity) : undefined;
  } catch {
    // No item can have such a key, so there is none.
    return undefined;
  }
}
