import { createHash } from 'node:crypto';
import type { ItemStore, StoredItem, Write } from '../ports/item-store.ts';
import type { Conflict } from './conflict.ts';
import { expiryEntry } from './expiry-index.ts';
import type { SyncIdentity } from './wire-item.ts';

/** Conflicts that are kept of one device: the newest. */
const MOST = 100;
/** Milliseconds that one is kept. */
const KEPT = 30 * 86_400_000;
/** How many of a single batch are kept: a device that was away for long may bring more than anybody reads. */
const MOST_OF_A_BATCH = 20;

/** A conflict as it is shown. */
export interface ShownConflict extends Conflict {
  /** When it was found; ISO 8601. */
  at: string;
}

/** The writes that keep conflicts, to be made in the commit that they come of. */
export function conflictWrites(
  identity: SyncIdentity,
  conflicts: readonly Conflict[],
  { now, arrived }: { now: number; arrived: string },
): Write[] {
  const keepUntil = new Date(now + KEPT).toISOString();
  return conflicts.slice(0, MOST_OF_A_BATCH).flatMap((conflict) => {
    const name = createHash('sha256').update(JSON.stringify(conflict)).digest('base64url').slice(0, 12);
    const put = { pk: partitionOf(identity), sk: `${arrived}#${name}`, at: arrived, keepUntil, conflict };
    return [{ put }, expiryEntry(keepUntil, put)];
  });
}

/** The newest first. */
export async function conflictsOf(store: ItemStore, identity: SyncIdentity): Promise<ShownConflict[]> {
  const { items } = await store.query(partitionOf(identity), { limit: MOST * 2 });
  return items.reverse().slice(0, MOST).map(shown);
}

/** Takes out the oldest beyond what is kept of a device. */
export async function forgetOldConflicts(store: ItemStore, identity: SyncIdentity): Promise<void> {
  const { items } = await store.query(partitionOf(identity), { limit: MOST * 2 });
  const old = items.slice(0, Math.max(0, items.length - MOST));
  if (old.length > 0) await store.write(old.map(({ pk, sk }) => ({ remove: { pk, sk } })));
}

function shown({ at, conflict }: StoredItem): ShownConflict {
  return { at: String(at), ...(conflict as Conflict) };
}

function partitionOf({ accountId, deviceId }: SyncIdentity): string {
  return `conflict#${accountId}#${deviceId}`;
}
