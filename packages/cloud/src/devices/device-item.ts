import type { Registration } from '@ioto/protocol';
import type { StoredItem } from '../ports/item-store.ts';

/** The Device item of the core schema: what users see of a device. */
export interface DeviceItem extends StoredItem {
  _type: 'Device';
  id: string;
  accountId: string;
  connection: 'online' | 'offline';
  /** ISO times of the cloud. */
  created: string;
  updated: string;
  name?: string;
  description?: string;
  model?: string;
  product?: string;
  state?: unknown;
  test?: boolean;
  /** Fields that the owner has edited: the device does not change them any more. */
  edited?: string[];
  /** `updated` of the device's latest word about itself, by its own clock. */
  reported?: string;
}

/** Fields of its Device item that a device never sets: who and whose it is, and what only the cloud knows. */
const NOT_THE_DEVICES = new Set([
  'id',
  'accountId',
  'deviceId',
  'connection',
  'created',
  'updated',
  'edited',
  'reported',
  'pk',
  'sk',
  '_type',
  '__proto__',
]);

/** Fields that the owner may edit. */
export const OWNERS_FIELDS = ['name', 'description'] as const;

export function deviceKey(accountId: string, deviceId: string): { pk: string; sk: string } {
  return { pk: `d#${accountId}`, sk: `d#${deviceId}` };
}

/** Where the Device item goes when the account releases the device. */
export function archivedDeviceKey(accountId: string, deviceId: string): { pk: string; sk: string } {
  return { pk: `archive#d#${accountId}`, sk: `d#${deviceId}` };
}

export function isDeviceItem(item: StoredItem | undefined): item is DeviceItem {
  return item?._type === 'Device';
}

/**
 * The item that a claim makes of what the builder knows. `archived` is the item of an earlier ownership by the same
 * account: what the owner had edited then comes back.
 */
export function newDeviceItem(
  registration: Registration,
  facts: { accountId: string; now: string; archived?: DeviceItem },
): DeviceItem {
  const { accountId, now, archived } = facts;
  const { id, product, name, description, model, test } = registration;
  const edited = archived?.edited ?? [];
  const kept = Object.fromEntries(edited.map((field) => [field, archived?.[field]]));
  return withoutUndefined({
    ...deviceKey(accountId, id),
    _type: 'Device',
    id,
    accountId,
    product,
    name: name ?? id,
    description,
    model,
    test,
    ...kept,
    edited: edited.length > 0 ? edited : undefined,
    connection: 'offline',
    created: now,
    updated: now,
  });
}

/**
 * The item after a device's word about itself, or undefined when there is nothing to change: the word is older than one
 * that was heard before, or says nothing new (Ioto contract §8).
 */
export function mergeDeviceReport(
  item: DeviceItem,
  report: Record<string, unknown>,
  now: number,
): DeviceItem | undefined {
  const time = typeof report.updated === 'string' ? report.updated : '';
  if (item.reported !== undefined && time < item.reported) return undefined;
  const edited = new Set(item.edited);
  const changes: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(report)) {
    if (NOT_THE_DEVICES.has(field) || edited.has(field)) continue;
    if (JSON.stringify(item[field]) !== JSON.stringify(value)) changes[field] = value;
  }
  if (Object.keys(changes).length === 0 && time === (item.reported ?? '')) return undefined;
  const updated = new Date(now).toISOString();
  return withoutUndefined({ ...item, ...changes, ...(time ? { reported: time } : {}), updated });
}

/** The item after an edit by its owner; null takes a field away and gives it back to the device. */
export function editDeviceItem(
  item: DeviceItem,
  edit: Partial<Record<(typeof OWNERS_FIELDS)[number], string | null>>,
  now: string,
): DeviceItem {
  const edited = new Set(item.edited);
  const changes: Record<string, unknown> = {};
  for (const field of OWNERS_FIELDS) {
    const value = edit[field];
    if (value === undefined) continue;
    changes[field] = value ?? undefined;
    if (value === null) edited.delete(field);
    else edited.add(field);
  }
  return withoutUndefined({
    ...item,
    ...changes,
    edited: edited.size > 0 ? [...edited] : undefined,
    updated: now,
  });
}

/** What the API shows of an item: everything but the key. */
export function shownDevice(item: DeviceItem): Record<string, unknown> {
  const { pk: _pk, sk: _sk, ...fields } = item;
  return fields;
}

function withoutUndefined(fields: Record<string, unknown>): DeviceItem {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as DeviceItem;
}
