import type { ItemStore, StoredItem, StoredKey, Write } from '../ports/item-store.ts';

/** Who holds a device, as this cloud knows it. */
export interface Ownership {
  deviceId: string;
  accountId: string;
  /** Raised by every claim and release; whatever carries an older one is stale. */
  generation: number;
  /** `waiting`: claimed in advance, the device has never registered; `released`: nobody's, as far as this cloud goes. */
  state: 'waiting' | 'claimed' | 'released';
  product?: string;
  /** SPKI PEM of the identity key that the device registered with; its requests are signed by it. */
  publicKey?: string;
  /** `old`: the device takes one short message at a time. Known from the first provision on. */
  dialect?: Dialect;
  /** ISO time of the latest change of hands. */
  changed: string;
}

export type Dialect = 'old' | 'current';

/** A device certificate, kept until it is long over. */
export interface CertificateRecord {
  serial: string;
  deviceId: string;
  accountId: string;
  generation: number;
  dialect: Dialect;
  /** PEM. */
  certificate: string;
  /** SPKI PEM. */
  publicKey: string;
  /** ISO times. */
  created: string;
  issued: string;
  expires: string;
  /** First connect with it. */
  used?: string;
  /** Issued over MQTT, and neither activated nor used yet: it voids no other, and is void itself after an hour. */
  pending?: true;
  /** When a later certificate was issued: from an hour after that, this one is void. */
  replaced?: string;
  revoked?: string;
  reason?: string;
}

/** A change of hands that has begun: written before the builder is asked, removed in the commit that completes it. */
export interface Intent {
  kind: 'claim' | 'release';
  deviceId: string;
  accountId: string;
  /** Of the ownership that the claim makes, or that the release ends. */
  generation: number;
  /** Who wants it, for the audit record. */
  actor: string;
  /** The claim is in advance of the device's first registration. */
  pre?: boolean;
  /** ISO time. */
  started: string;
  /** Of a release: the builder and the ownership record know; what is left is to tell the device and to clear up. */
  unbound?: boolean;
  /** Of a release: the builder forgets the identity key too, for a device that has lost it. */
  forgetKey?: boolean;
}

const INTENTS = 'intent#';
const OWNERSHIP = 'ownership';
const CERTIFICATE = 'certificate#';

/** Partition key of all that the cloud itself keeps of a device. */
export const devicePartition = (deviceId: string) => `device#${deviceId}`;

export function isHeldBy(
  accountId: string,
  ownership: Partial<Pick<Ownership, 'accountId' | 'state'>> | undefined,
): boolean {
  return ownership?.accountId === accountId && ownership.state !== 'released';
}

/** The cloud's own records of devices: ownership, certificates and intents. Reads give plain values, writes are for one commit. */
export class DeviceRecords {
  readonly #store: ItemStore;

  constructor(store: ItemStore) {
    this.#store = store;
  }

  async ownership(deviceId: string): Promise<Ownership | undefined> {
    return bare<Ownership>(await this.#store.get(devicePartition(deviceId), OWNERSHIP));
  }

  /** For a commit that must not come after a release: what it reads there goes to `isHeldBy`. */
  ownershipKey(deviceId: string): StoredKey {
    return { pk: devicePartition(deviceId), sk: OWNERSHIP };
  }

  /** The ownership, where it is this account that holds the device. */
  async held(accountId: string, deviceId: string): Promise<Ownership | undefined> {
    const ownership = await this.ownership(deviceId);
    return isHeldBy(accountId, ownership) ? ownership : undefined;
  }

  putOwnership(ownership: Ownership): Write {
    return { put: { pk: devicePartition(ownership.deviceId), sk: OWNERSHIP, ...ownership } };
  }

  async certificate(deviceId: string, serial: string): Promise<CertificateRecord | undefined> {
    return bare<CertificateRecord>(await this.#store.get(devicePartition(deviceId), CERTIFICATE + serial));
  }

  /** All certificates of a device, the latest first. */
  async certificates(deviceId: string): Promise<CertificateRecord[]> {
    const { items } = await this.#store.query(devicePartition(deviceId), { begins: CERTIFICATE });
    const records = items.flatMap((item) => bare<CertificateRecord>(item) ?? []);
    return records.sort((a, b) => (a.created < b.created ? 1 : -1));
  }

  putCertificate(record: CertificateRecord): Write {
    return { put: { pk: devicePartition(record.deviceId), sk: CERTIFICATE + record.serial, ...record } };
  }

  removeCertificate({ deviceId, serial }: CertificateRecord): Write {
    return { remove: { pk: devicePartition(deviceId), sk: CERTIFICATE + serial } };
  }

  async intent(deviceId: string): Promise<Intent | undefined> {
    return bare<Intent>(await this.#store.get(INTENTS, deviceId));
  }

  async intents(): Promise<Intent[]> {
    const intents: Intent[] = [];
    let after: string | undefined;
    do {
      const page = await this.#store.query(INTENTS, { after });
      intents.push(...page.items.flatMap((item) => bare<Intent>(item) ?? []));
      after = page.next;
    } while (after !== undefined);
    return intents;
  }

  /** Fails when another change of hands of the same device has begun. */
  beginIntent(intent: Intent): Write {
    return { put: { pk: INTENTS, sk: intent.deviceId, ...intent }, if: { absent: true } };
  }

  putIntent(intent: Intent): Write {
    return { put: { pk: INTENTS, sk: intent.deviceId, ...intent } };
  }

  endIntent(deviceId: string): Write {
    return { remove: { pk: INTENTS, sk: deviceId } };
  }
}

function bare<T>(item: StoredItem | undefined): T | undefined {
  if (!item) return undefined;
  const { pk: _pk, sk: _sk, ...fields } = item;
  return fields as unknown as T;
}
