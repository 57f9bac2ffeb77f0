import type { ItemKey, Schema } from '@ioto/database';
import { isDeviceItem } from '../devices/device-item.ts';
import { everyItem } from '../identity/every-item.ts';
import type { ItemStore, StoredItem } from '../ports/item-store.ts';
import { tenantKey } from '../sync/tenant-key.ts';
import { EVERY_ACCOUNT, EVERY_DEVICE, type SyncIdentity } from '../sync/wire-item.ts';

/** The accounts of this cloud, page by page. */
export interface AccountList {
  list(after?: string): Promise<{ items: readonly { id: string }[]; next?: string }>;
}

export interface BroadcastEnds {
  schema: Schema;
  store: ItemStore;
}

/** Where a Broadcast lies: of a device, of an account, or of the operator for all of them. */
export function broadcastKey(schema: Schema, key: string, tenant: SyncIdentity = OPERATOR): ItemKey {
  const model = schema.model('Broadcast');
  return tenantKey(model, model.keyOf({ key, ...tenant }, tenant), tenant);
}

const OPERATOR: SyncIdentity = Object.freeze({ accountId: EVERY_ACCOUNT, deviceId: EVERY_DEVICE });

/** The places of a device's own Broadcasts of a key, which go before the operator's: its own, and its account's. */
export function ownKeys(schema: Schema, key: string, identity: SyncIdentity): ItemKey[] {
  const { accountId, deviceId } = identity;
  return [deviceId, EVERY_DEVICE].map((id) => broadcastKey(schema, key, { accountId, deviceId: id }));
}

/** All Broadcasts of accounts and devices that go before the operator's of this key. */
export async function ownBroadcasts(
  { schema, store, accounts }: BroadcastEnds & { accounts: AccountList },
  key: string,
): Promise<StoredItem[]> {
  const own: StoredItem[] = [];
  let after: string | undefined;
  do {
    const page = await accounts.list(after);
    for (const { id: accountId } of page.items) {
      const devices = (await everyItem(store, `d#${accountId}`)).filter(isDeviceItem).map(({ id }) => id);
      for (const deviceId of [...devices, EVERY_DEVICE]) {
        const at = broadcastKey(schema, key, { accountId, deviceId });
        const item = await store.get(at.pk, at.sk);
        if (item) own.push(item);
      }
    }
    after = page.next;
  } while (after !== undefined);
  return own;
}
