import type { ItemStore, Write } from '../ports/item-store.ts';

/** Milliseconds that the mark of a removed item is kept: no device sends a change later than that for the first time. */
const KEPT = 90 * 86_400_000;
/** Marks looked at in one go. */
const LOOKED_AT = 50;

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
    written.flatMap((write) => ('put' in write && write.put.marked !== undefined ? [write.put.pk] : [])),
  );
  for (const pk of partitions) {
    const { items } = await store.query(pk, { limit: LOOKED_AT });
    const old = items.filter((mark) => now - Date.parse(String(mark.marked)) > KEPT);
    if (old.length > 0) await store.write(old.map(({ pk, sk }) => ({ remove: { pk, sk } })));
  }
}
