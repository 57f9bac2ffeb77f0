import { type Claims, compareTimes, FIELD_TIMES } from '@ioto/protocol';
import type { StoredItem } from '../../ports/item-store.ts';

/** What the cloud keeps beside an item, or the mark of a removed one, in `_sync`. It never travels. */
export interface SyncFacts {
  /** When this version came in, ISO time by the cloud's clock. */
  readonly arrived: string;
  /** The device that made this version; undefined for the owner. */
  readonly by?: string;
  readonly claims?: Claims;
  /** The latest versions of devices that others have replaced, by device ID: a copy of one brings nothing new. */
  readonly over?: Readonly<Record<string, string>>;
}

/** Replaced versions that are remembered of one item: more devices than that do not contend for it at once. */
const MOST_REPLACED = 8;

export function syncFactsOf(item: StoredItem | undefined): SyncFacts | undefined {
  const facts = item?._sync;
  return typeof facts === 'object' && facts !== null ? (facts as SyncFacts) : undefined;
}

/** A copy of the item with the facts, those that are undefined left out. */
export function withSyncFacts<T extends StoredItem>(item: T, { arrived, by, claims, over }: SyncFacts): T {
  const facts: { -readonly [K in keyof SyncFacts]: SyncFacts[K] } = { arrived };
  if (by) facts.by = by;
  if (claims) facts.claims = claims;
  if (over) facts.over = over;
  return { ...item, _sync: facts };
}

/** What `over` is once `by` has replaced what is held. */
export function replacedVersions(held: StoredItem | undefined, by?: string): SyncFacts['over'] {
  const facts = syncFactsOf(held);
  if (!facts || (facts.by === by && !facts.over)) return facts?.over;
  const { [by ?? '']: _own, ...others }: Record<string, string> = facts.over ?? {};
  if (facts.by !== undefined && facts.by !== by) others[facts.by] = String(held?.updated);
  const newest = Object.entries(others)
    .sort(([, a], [, b]) => compareTimes(a, b))
    .slice(-MOST_REPLACED);
  return newest.length > 0 ? Object.fromEntries(newest) : undefined;
}

/** When the version came in; of one from before that was kept, when it was made. */
export function arrivalOf(item: StoredItem): string {
  return syncFactsOf(item)?.arrived ?? String(item.updated ?? '');
}

/** The item's fields as they are shown and sent. */
export function withoutSyncFacts({ _sync: _, [FIELD_TIMES]: _times, ...item }: StoredItem): StoredItem {
  return item as StoredItem;
}
