import type { StoredItem } from '../ports/item-store.ts';
import { devicePartition } from './device-records.ts';

/** How an update of a device ended. */
export interface SoftwareResult {
  version: string;
  outcome: 'applied' | 'failed';
  code?: string;
  message?: string;
  /** ISO time at which the cloud learned it. */
  time: string;
}

/** The software of a device, as far as its check-ins tell. */
export interface DeviceSoftware {
  /** Who had the device then. */
  accountId: string;
  /** What it runs. */
  version?: string;
  iotoVersion?: string;
  /** The version that it was last told of, until its result is known. */
  offered?: string;
  result?: SoftwareResult;
}

export function softwareKey(deviceId: string): { pk: string; sk: string } {
  return { pk: devicePartition(deviceId), sk: 'software' };
}

/** What of it is the account's to see: an earlier owner's is not the next one's. */
export function softwareOf(item: StoredItem | undefined, accountId: string): DeviceSoftware | undefined {
  if (item?.accountId !== accountId) return undefined;
  const { pk: _pk, sk: _sk, ...fields } = item;
  return fields as unknown as DeviceSoftware;
}
