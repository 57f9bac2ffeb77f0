import type { Model } from '@ioto/database';
import type { ItemChange, ItemStore, StoredItem, Write } from '../../ports/item-store.ts';
import { type SyncFacts, withSyncFacts } from './sync-facts.ts';

/** Milliseconds that the mark of a removed item is kept: no device sends a change later than that for the first time. */
const KEPT = 90 * 86_400_000;
/** Marks looked at in one go. */
const LOOKED_AT = 50;

const PREFIX = 'gone#';

/** Where the marks of removed items of a partition lie: without them a late copy of a change would bring an item back. */
export function gonePartition(pk: string): string {
  return `${PREFIX}${pk}`;
}

export function isGonePartition(pk: string): boolean {
  return pk.startsWith(PREFIX);
}

/** A removal that comes again only renews its mark: it is no news. */
export function isRenewedMark({ pk, before, after }: ItemChange): boolean {
  return isGonePartition(pk) && after !== undefined && before?.updated === after.updated;
}

export interface Removed {
  /** Of the removal. */
  updated: string;
  /** ISO time of the cloud. */
  now: string;
  facts: SyncFacts;
}

/** The mark of a removed item: what names it on the wire, whose it is, and when it was removed. */
export function markOf(model: Model, item: StoredItem, { updated, now, facts }: Removed): StoredItem {
  const { pk, sk } = item;
  const names = new Set([
    'accountId',
    'deviceId',
    ...model.keyVariables.map((name) => name.split('.')[0] as string),
  ]);
  const named = [...names].flatMap((name) => (item[name] === undefined ? [] : [[name, item[name]]]));
  const fields = { _type: model.name, ...Object.fromEntries(named), updated, marked: now };
  return withSyncFacts({ ...fields, pk: gonePartition(pk), sk }, facts);
}

/** The removal as it travels down. Marks from before they named their items are read back from their key. */
export function removalOf(model: Model, mark: StoredItem): StoredItem {
  const { marked: _marked, ...fields } = mark;
  return { ...model.parseSortKey(mark.sk), ...fields, _type: model.name } as StoredItem;
}

/**
 * Takes old marks out of the partitions that a batch has just added to. Keys that are made anew again and again sort by
 * time, so the oldest marks come first; other keys come back and lose their mark by that.
 */
export async function forgetOldMarks(
  store: ItemStore,
  written: readonly Write[],
  now: number,
): Promise<void> {
  const partitions = new Set(
    written.flatMap((write) => ('put' in write && isGonePartition(write.put.pk) ? [write.put.pk] : [])),
  );
  for (const pk of partitions) {
    const { items } = await store.query(pk, { limit: LOOKED_AT });
    await forgetOld(store, items, now);
  }
}

/** Takes all old marks out of those of a partition: for one that people fill, whose keys tell nothing of time. */
export async function forgetMarksOf(store: ItemStore, pk: string, now: number): Promise<void> {
  let after: string | undefined;
  do {
    const { items, next } = await store.query(gonePartition(pk), { after });
    await forgetOld(store, items, now);
    after = next;
  } while (after !== undefined);
}

async function forgetOld(store: ItemStore, marks: readonly StoredItem[], now: number): Promise<void> {
  const old = marks.filter((mark) => now - Date.parse(String(mark.marked)) > KEPT);
  if (old.length > 0) await store.write(old.map(({ pk, sk }) => ({ remove: { pk, sk } })));
}
