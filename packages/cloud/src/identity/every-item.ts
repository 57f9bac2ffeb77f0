import type { ItemStore, StoredItem } from '../ports/item-store.ts';

/** All items of a partition, page by page: for partitions that people fill, which are long at worst. */
export async function everyItem(store: ItemStore, pk: string): Promise<StoredItem[]> {
  const found: StoredItem[] = [];
  let after: string | undefined;
  do {
    const { items, next } = await store.query(pk, { after });
    found.push(...items);
    after = next;
  } while (after !== undefined);
  return found;
}
