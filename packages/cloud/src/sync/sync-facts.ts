import type { Claims } from '@ioto/protocol';
import type { StoredItem } from '../ports/item-store.ts';

/** What the cloud keeps beside an item, or the mark of a removed one, in `_sync`. It never travels. */
export interface SyncFacts {
  /** When this version came in, ISO time by the cloud's clock. */
  readonly arrived: string;
  /** The device that made this version; undefined for the owner. */
  readonly by?: string;
  readonly claims?: Claims;
}

export function syncFactsOf(item: StoredItem | undefined): SyncFacts | undefined {
  const facts = item?._sync;
  return typeof facts === 'object' && facts !== null ? (facts as SyncFacts) : undefined;
}

/** The item with the facts, those that are undefined left out. */
export function withSyncFacts<T extends StoredItem>(item: T, { arrived, by, claims }: SyncFacts): T {
  const facts: { -readonly [K in keyof SyncFacts]: SyncFacts[K] } = { arrived };
  if (by) facts.by = by;
  if (claims) facts.claims = claims;
  return { ...item, _sync: facts };
}

/** When the version came in; of one from before that was kept, when it was made. */
export function arrivalOf(item: StoredItem): string {
  return syncFactsOf(item)?.arrived ?? String(item.updated ?? '');
}

/** The item's fields as they are shown and sent. */
export function withoutSyncFacts({ _sync: _, ...item }: StoredItem): StoredItem {
  return item as StoredItem;
}
