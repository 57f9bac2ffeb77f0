import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { SIGNATURE_HEADER, type SignedParts, signRequest } from '@ioto/protocol';
import { CodedError, readTextIfPresent, writeFileDurably } from '@ioto/runtime';

/** The device's own EC P-256 key: it proves the device to the builder and belongs to its certificate. It never leaves the device. */
export interface IdentityKey {
  /** `@certs/ioto.key`. */
  readonly path: string;
  readonly privateKey: KeyObject;
  /** SPKI PEM. */
  readonly publicKeyPem: string;
  /** True when this start made the key. */
  readonly fresh: boolean;
}

/**
 * The key of `@certs/ioto.key`, made durably at the first call.
 *
 * @throws IDENTITY_KEY_UNREADABLE when the file holds no EC P-256 key. It is not replaced: the builder knows this device by it.
 */
export async function openIdentityKey(certs: string): Promise<IdentityKey> {
  const path = join(certs, 'ioto.key');
  const pem = await readTextIfPresent(path);
  const privateKey =
    pem === undefined ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey : parse(pem, path);
  if (pem === undefined) {
    await writeFileDurably(path, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  }
  const publicKeyPem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
  return { path, privateKey, publicKeyPem, fresh: pem === undefined };
}

function parse(pem: string, path: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key;
  } catch {
    // falls through to the one refusal, which shows nothing of the file
  }
  throw new CodedError(
    'IDENTITY_KEY_UNREADABLE',
    `${path} holds no EC P-256 private key: restore it from a backup, or remove it and have the owner release the device`,
  );
}

/** The header that proves a request to be of this device, dated by `now` (ms). */
export function signatureHeader(key: IdentityKey, parts: SignedParts, now: number): Record<string, string> {
  return { [SIGNATURE_HEADER]: signRequest(parts, key.privateKey, now) };
}
