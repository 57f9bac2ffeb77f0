import type { Clock } from '@ioto/runtime';
import { AccountViews, type ViewChange } from '../account-views/account-views.ts';
import type { ItemStore } from '../ports/item-store.ts';
import { isDeviceItem } from './device-item.ts';

/** Which devices an account holds, to be asked for every message, from claim to release. */
export class AccountDevices extends AccountViews<Set<string>> {
  constructor({ store, clock }: { store: ItemStore; clock: Clock }) {
    super('devices of accounts', {
      ...{ store, clock, apply },
      partition: 'd#',
      begins: 'd#',
      create: () => new Set(),
    });
  }

  /** False for an account that is not known. */
  owns(accountId: string, deviceId: string): boolean {
    return this.get(accountId)?.has(deviceId) ?? false;
  }
}

function apply({ before, after }: ViewChange, ids: Set<string>): void {
  if (isDeviceItem(after)) ids.add(after.id);
  else if (isDeviceItem(before)) ids.delete(before.id);
}
