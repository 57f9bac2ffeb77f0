import { createHash } from 'node:crypto';
import type { ItemStore, StoredItem, Write } from '../../ports/item-store.ts';
import { expiryEntry, expiryKey } from '../expiry/expiry-index.ts';
import type { SyncIdentity } from '../items/wire-item.ts';
import type { Conflict } from './conflict.ts';

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

/** What a device's log has, and will have. */
export interface LogEntries {
  writes: Write[];
  /** Conflicts that it had not yet. */
  fresh: number;
}

/** What is kept of a device. */
export async function loggedConflicts(store: ItemStore, identity: SyncIdentity): Promise<StoredItem[]> {
  const { items } = await store.query(partitionOf(identity), { limit: MOST * 2 });
  return items.sort((a, b) => (String(a.at) < String(b.at) ? -1 : 1));
}

/**
 * What keeps conflicts, to be written in the commit that they come of: each once, however often its change comes again,
 * and the oldest beyond what is kept of a device go.
 *
 * @param logged What is kept by then, the oldest first.
 */
export function conflictWrites(
  identity: SyncIdentity,
  conflicts: readonly Conflict[],
  { now, arrived, logged }: { now: number; arrived: string; logged: readonly StoredItem[] },
): LogEntries {
  const known = new Set(logged.map(({ sk }) => sk));
  const byName = new Map(conflicts.map((conflict) => [nameOf(conflict), conflict]));
  const fresh = [...byName].filter(([name]) => !known.has(name));
  const keepUntil = new Date(now + KEPT).toISOString();
  const puts = fresh.slice(0, MOST_OF_A_BATCH).map(([sk, conflict]) => {
    return { pk: partitionOf(identity), sk, at: arrived, keepUntil, conflict };
  });
  const old = logged.slice(0, Math.max(0, logged.length + puts.length - MOST));
  const writes = [
    ...puts.flatMap((put) => [{ put }, expiryEntry(keepUntil, put)]),
    ...old.flatMap(({ pk, sk, keepUntil }) => [
      { remove: { pk, sk } },
      { remove: expiryKey(String(keepUntil), { pk, sk }) },
    ]),
  ];
  return { writes, fresh: fresh.length };
}

/** The newest first. */
export async function conflictsOf(store: ItemStore, identity: SyncIdentity): Promise<ShownConflict[]> {
  const logged = await loggedConflicts(store, identity);
  return logged.reverse().slice(0, MOST).map(shown);
}

/** The same for the same two versions. */
function nameOf({ model, key, kept, lost }: Conflict): string {
  const versions = JSON.stringify([model, key, kept.updated, lost.updated, lost.by]);
  return createHash('sha256').update(versions).digest('base64url').slice(0, 22);
}

function shown({ at, conflict }: StoredItem): ShownConflict {
  return { at: String(at), ...(conflict as Conflict) };
}

function partitionOf({ accountId, deviceId }: SyncIdentity): string {
  return `conflict#${accountId}#${deviceId}`;
}
