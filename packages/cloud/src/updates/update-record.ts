import { errorCatalogue } from '@ioto/runtime';
import isVersion from 'semver/functions/valid.js';
import type { StoredItem } from '../ports/item-store.ts';

export const updateError = errorCatalogue({
  UPDATE_UNKNOWN: { status: 404 },
  UPDATE_EXISTS: { status: 409 },
  UPDATE_LIMIT: { status: 409 },
  UPDATE_CHANGED: { status: 409, retryable: true },
  UPDATE_VERSION_INVALID: { status: 400 },
  UPDATE_PRODUCT_INVALID: { status: 400 },
  UPDATE_SIGNATURE_INVALID: { status: 400 },
  UPDATE_URL_INVALID: { status: 403 },
  UPDATE_TOO_OFTEN: { status: 429, retryable: true },
  UPDATE_BUSY: { status: 503, retryable: true },
  UPLOAD_UNKNOWN: { status: 404 },
  UPLOAD_OFFSET: { status: 409 },
  UPLOAD_LIMIT: { status: 429, retryable: true },
  UPLOAD_TOO_LARGE: { status: 413 },
  UPLOAD_NO_ROOM: { status: 507, retryable: true },
});

/** A version of a product's software, and whom it is for. */
export interface UpdateRecord {
  product: string;
  /** SemVer, in its canonical form. */
  version: string;
  /** Distribution policy; '' is for every device. */
  policy: string;
  description?: string;
  enabled: boolean;
  /** ID of the image in the blob store. */
  blob: string;
  size: number;
  sha256: string;
  /** Ed25519 by the maker's key, base64; this cloud has no key, and cannot tell whether it is good. */
  signature?: string;
  /** ISO times. */
  created: string;
  updated: string;
}

/** All updates stand in one partition, those of a product together. */
export const UPDATES = 'update#';

export function updateKey(product: string, version: string): { pk: string; sk: string } {
  return { pk: UPDATES, sk: `${beginningOf(product)}${version}` };
}

/** What the sort keys of a product's updates begin with. */
export function beginningOf(product: string): string {
  return `${product}#`;
}

export function toUpdate(item: StoredItem): UpdateRecord {
  const { pk: _pk, sk: _sk, ...fields } = item;
  return fields as unknown as UpdateRecord;
}

/**
 * The version as it is kept.
 *
 * @throws UPDATE_VERSION_INVALID (400)
 */
export function checkVersion(version: string): string {
  const canonical = version.length <= 64 ? isVersion(version) : null;
  if (canonical === null) {
    throw updateError('UPDATE_VERSION_INVALID', `${JSON.stringify(version)} is no version such as 1.2.3`);
  }
  // What the device will say of itself must be the same text; a build part would be dropped.
  if (canonical !== version) {
    throw updateError('UPDATE_VERSION_INVALID', `write the version ${version} as ${canonical}`);
  }
  return canonical;
}

/** @throws UPDATE_PRODUCT_INVALID (400) for what cannot be a product's ID. */
export function checkProduct(product: string): string {
  if (/^[\w-]{1,64}$/.test(product)) return product;
  throw updateError('UPDATE_PRODUCT_INVALID', `${JSON.stringify(product)} is no product ID`);
}

/** @throws UPDATE_SIGNATURE_INVALID (400) for what cannot be an Ed25519 signature in base64. */
export function checkSignature(signature: string): string {
  if (/^[A-Za-z0-9+/]{86}==$/.test(signature)) return signature;
  throw updateError('UPDATE_SIGNATURE_INVALID', 'a signature is 64 bytes in base64: see "update sign"');
}
