import type { ItemKey, KeyRange, Model } from '@ioto/database';

/** Whose items a key is for. */
export interface Tenant {
  readonly accountId: string;
  /** Undefined where the account is all that is known. */
  readonly deviceId?: string;
}

/**
 * Whether a model's items belong to a device each, or to an account. A model whose keys name neither has its items on
 * each device for itself; one whose keys name the account only shares them between the account's devices.
 */
export function isPerDevice(model: Model): boolean {
  const names = model.keyVariables;
  return names.includes('deviceId') || !names.includes('accountId');
}

/**
 * The key under which the cloud stores an item. A device has its database to itself, so that its schema may put a model
 * under a key that is the same on all devices; here all of them share one table, and what the key does not say of whose
 * item it is comes before it. It never travels, so that devices know nothing of it.
 */
export function tenantKey(model: Model, key: ItemKey, tenant: Tenant): ItemKey {
  return { pk: `${prefixOf(model, tenant)}${key.pk}`, sk: key.sk };
}

/** The same of a part of a key; undefined `pk` where it is not known whose items are meant. */
export function tenantRange(model: Model, { pk, sk }: KeyRange, tenant: Tenant): { pk?: string; sk: string } {
  if (pk === undefined || (needsDevice(model) && tenant.deviceId === undefined)) return { sk };
  return { pk: `${prefixOf(model, tenant)}${pk}`, sk };
}

/** True when the keys name neither account nor device. */
export function needsDevice(model: Model): boolean {
  const names = model.keyVariables;
  return !names.includes('accountId') && !names.includes('deviceId');
}

function prefixOf(model: Model, { accountId, deviceId = '' }: Tenant): string {
  if (model.keyVariables.includes('accountId')) return '';
  return needsDevice(model) ? `t#${accountId}#${deviceId}#` : `t#${accountId}#`;
}
