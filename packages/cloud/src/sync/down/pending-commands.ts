import type { Schema } from '@ioto/database';
import type { ItemStore } from '../../ports/item-store.ts';
import { tenantRange } from '../items/tenant-key.ts';

/** Removes the Commands that wait for a device: they were meant for it in the hands of this owner. */
export async function dropPendingCommands(
  { schema, store }: { schema: Schema; store: ItemStore },
  accountId: string,
  deviceId: string,
): Promise<void> {
  const model = schema.model('Command');
  const tenant = { accountId, deviceId };
  const { pk, sk } = tenantRange(model, model.keyRange({}, tenant), tenant);
  if (pk === undefined) return;
  for (;;) {
    const { items, next } = await store.query(pk, { begins: sk });
    if (items.length > 0) await store.write(items.map((item) => ({ remove: { pk: item.pk, sk: item.sk } })));
    if (next === undefined) return;
  }
}
