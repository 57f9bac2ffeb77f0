import type { ItemKey, Schema } from '@ioto/database';
import { isDeviceItem } from '../devices/device-item.ts';
import type { ItemStore, StoredItem, StoredKey } from '../ports/item-store.ts';
import { rangesOf } from '../sync/down/sync-down.ts';
import { gonePartition } from '../sync/items/gone-marks.ts';
import { tenantKey } from '../sync/items/tenant-key.ts';
import { EVERY_ACCOUNT, EVERY_DEVICE, type SyncIdentity } from '../sync/items/wire-item.ts';

/** Broadcasts that are dated anew in one commit. */
const LOT = 100;

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

/** The marks of a device's own Broadcasts, and of its account's, by what they removed. */
export async function ownMarks(
  { schema, store }: BroadcastEnds,
  identity: SyncIdentity,
): Promise<StoredItem[]> {
  const model = schema.model('Broadcast');
  const marks: StoredItem[] = [];
  for (const { pk, begins } of rangesOf(model, identity)) {
    let after: string | undefined;
    do {
      const page = await store.query(gonePartition(pk), { begins, after });
      marks.push(...page.items);
      after = page.next;
    } while (after !== undefined);
  }
  return marks;
}

/** Where all Broadcasts of accounts and devices lie that go before the operator's of this key, in lots that fit a commit. */
export async function* ownPlaces(
  { schema, store, accounts }: BroadcastEnds & { accounts: AccountList },
  key: string,
): AsyncGenerator<StoredKey[]> {
  let lot: StoredKey[] = [];
  for await (const tenant of tenants({ store, accounts })) {
    const { pk, sk } = broadcastKey(schema, key, tenant);
    if (!(await store.get(pk, sk)) || lot.some((each) => each.pk === pk && each.sk === sk)) continue;
    lot.push({ pk, sk });
    if (lot.length < LOT) continue;
    yield lot;
    lot = [];
  }
  if (lot.length > 0) yield lot;
}

/** Each device of each account, and then the account itself. */
async function* tenants({
  store,
  accounts,
}: {
  store: ItemStore;
  accounts: AccountList;
}): AsyncGenerator<SyncIdentity> {
  let next: string | undefined;
  do {
    const page = await accounts.list(next);
    for (const { id: accountId } of page.items) {
      let after: string | undefined;
      do {
        const devices = await store.query(`d#${accountId}`, { after });
        for (const { id } of devices.items.filter(isDeviceItem)) yield { accountId, deviceId: id };
        after = devices.next;
      } while (after !== undefined);
      yield { accountId, deviceId: EVERY_DEVICE };
    }
    next = page.next;
  } while (next !== undefined);
}
