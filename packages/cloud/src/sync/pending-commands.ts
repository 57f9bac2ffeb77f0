import type { Schema } from '@ioto/database';
import type { ItemStore } from '../ports/item-store.ts';

/** Removes the Commands that wait for a device: they were meant for it in the hands of this owner. */
export async function dropPendingCommands(
  { schema, store }: { schema: Schema; store: ItemStore },
  accountId: string,
  deviceId: string,
): Promise<void> {
  const { pk, sk } = schema.model('Command').keyRange({}, { accountId, deviceId });
  if (pk === undefined) return;
  for (;;) {
    const { items, next } = await store.query(pk, { begins: sk });
    if (items.length > 0) await store.write(items.map((item) => ({ remove: { pk: item.pk, sk: item.sk } })));
    if (next === undefined) return;
  }
}
