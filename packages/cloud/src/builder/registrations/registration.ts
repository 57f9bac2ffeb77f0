import type { Registration as WireRegistration } from '@ioto/protocol';
import type { StoredItem } from '../../ports/item-store.ts';

/** Which cloud and account hold a device. */
export interface Binding {
  cloudId: string;
  accountId: string;
  /** The device's provisioning token, sealed: register answers repeat it. */
  sealedToken: string;
  /** ISO time of the bind. */
  since: string;
  /** The product that a claim made in advance was for; the device must register with it. */
  expectedProduct?: string;
}

/** What the builder knows of a device. */
export interface RegistrationItem {
  id: string;
  product?: string;
  name?: string;
  description?: string;
  model?: string;
  test?: boolean;
  properties?: Record<string, unknown>;
  /** Canonical SPKI PEM, pinned: further calls must be signed by it. */
  publicKey?: string;
  /** A release dropped the pinned key: the next register may bring a new one. */
  keyOpen?: boolean;
  /** ISO times of the first and latest register; absent after a claim in advance. */
  registered?: string;
  lastSeen?: string;
  /** Ownership generation: raised by every bind and release. */
  generation: number;
  binding?: Binding;
  /** ISO time at which the latest wish to be claimed was passed on to its cloud. */
  selfClaimQueued?: string;
  /** Raised by every write; what conditional writes hold on to. */
  version: number;
}

export function registrationKey(id: string): { pk: string; sk: string } {
  return { pk: `registration#${id}`, sk: 'registration' };
}

/** The item under which a product's devices are listed. */
export function productIndexKey(product: string, id: string): { pk: string; sk: string } {
  return { pk: `product-devices#${product}`, sk: id };
}

/** Devices that wait to be told to a cloud: `self#` asked to be claimed, `completed#` were claimed in advance. */
export const queueOf = (cloudId: string) => `cloud-queue#${cloudId}`;

export function toRegistration({ pk: _pk, sk: _sk, ...item }: StoredItem): RegistrationItem {
  return item as unknown as RegistrationItem;
}

/** A registration as it is shown to a cloud: whose a device is only to the cloud that holds it. */
export function forCloud(item: RegistrationItem, cloudId: string): WireRegistration {
  const { id, product, name, description, model, test, properties, publicKey, registered, lastSeen } = item;
  return {
    ...{ id, product, name, description, model, test, properties, publicKey, registered, lastSeen },
    generation: item.generation,
    claimed: item.binding !== undefined,
    ...(item.binding?.cloudId === cloudId ? { accountId: item.binding.accountId } : {}),
  };
}
