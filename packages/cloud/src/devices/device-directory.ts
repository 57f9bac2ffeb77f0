import { type Clock, isCodedError, isoTime } from '@ioto/runtime';
import type { ItemStore } from '../ports/item-store.ts';
import { hasLapsed, isReplaced } from './certificate-plan.ts';
import { deviceError } from './device-errors.ts';
import { type DeviceItem, deviceKey, editDeviceItem, isDeviceItem } from './device-item.ts';
import type { CertificateRecord, DeviceRecords } from './device-records.ts';
import { type DeviceSoftware, softwareKey, softwareOf } from './device-software.ts';

export interface DeviceDirectoryOptions {
  store: ItemStore;
  records: DeviceRecords;
  clock: Clock;
}

/** What the API shows of a certificate: all but its text. */
export interface ShownCertificate {
  serial: string;
  state: 'pending' | 'issued' | 'in use' | 'replaced' | 'revoked' | 'expired';
  issued: string;
  expires: string;
  used?: string;
  revoked?: string;
  reason?: string;
}

/** The devices of an account, to be looked at and edited by their owner. */
export class DeviceDirectory {
  readonly #options: DeviceDirectoryOptions;

  constructor(options: DeviceDirectoryOptions) {
    this.#options = options;
  }

  /** @throws DEVICE_UNKNOWN (404) */
  async get(accountId: string, deviceId: string): Promise<DeviceItem> {
    const { pk, sk } = deviceKey(accountId, deviceId);
    const item = await this.#options.store.get(pk, sk);
    if (!isDeviceItem(item)) {
      throw deviceError('DEVICE_UNKNOWN', `this account has no device ${deviceId}`);
    }
    return item;
  }

  async find(
    accountId: string,
    options: { limit?: number; next?: string } = {},
  ): Promise<{ items: DeviceItem[]; next?: string }> {
    const { limit = 100, next } = options;
    const page = await this.#options.store.query(`d#${accountId}`, { begins: 'd#', limit, after: next });
    const items = page.items.filter((item) => isDeviceItem(item));
    return { items, ...(page.next === undefined ? {} : { next: page.next }) };
  }

  /** The account that holds a device, for those who may act on all of them. @throws DEVICE_UNKNOWN (404) */
  async accountOf(deviceId: string): Promise<string> {
    const ownership = await this.#options.records.ownership(deviceId);
    if (!ownership || ownership.state === 'released') {
      throw deviceError('DEVICE_UNKNOWN', `this cloud has no device ${deviceId}`);
    }
    return ownership.accountId;
  }

  /** Latest first. With an account only those that it had the device for: an earlier owner's are not the next one's to see. */
  async certificates(deviceId: string, accountId?: string): Promise<ShownCertificate[]> {
    const { records, clock } = this.#options;
    const all = await records.certificates(deviceId);
    const visible = all.filter((record) => accountId === undefined || record.accountId === accountId);
    return visible.map((record) => shown(record, clock.now()));
  }

  /** What the device's check-ins for updates told; undefined before the first. */
  async software(
    accountId: string,
    deviceId: string,
  ): Promise<Omit<DeviceSoftware, 'accountId'> | undefined> {
    const { pk, sk } = softwareKey(deviceId);
    const { accountId: _own, ...software } =
      softwareOf(await this.#options.store.get(pk, sk), accountId) ?? {};
    return Object.keys(software).length > 0 ? software : undefined;
  }

  /** @throws DEVICE_UNKNOWN (404) */
  async edit(
    accountId: string,
    deviceId: string,
    edit: { name?: string | null; description?: string | null },
  ): Promise<DeviceItem> {
    const { store, clock } = this.#options;
    for (;;) {
      const before = await this.get(accountId, deviceId);
      const after = editDeviceItem(before, edit, isoTime(clock));
      try {
        await store.write([{ put: after, if: { equals: { ...before } } }]);
        return after;
      } catch (error) {
        if (!isCodedError(error, 'CONDITION_FAILED')) throw error;
      }
    }
  }
}

function shown(record: CertificateRecord, now: number): ShownCertificate {
  const { serial, issued, expires, used, revoked, reason } = record;
  return { serial, state: stateOf(record, now), issued, expires, used, revoked, reason };
}

function stateOf(record: CertificateRecord, now: number): ShownCertificate['state'] {
  if (record.revoked || isReplaced(record, now)) return 'revoked';
  if (Date.parse(record.expires) <= now || hasLapsed(record, now)) return 'expired';
  if (record.pending) return 'pending';
  if (record.replaced) return 'replaced';
  return record.used ? 'in use' : 'issued';
}
