import { createPublicKey, type KeyObject } from 'node:crypto';
import { CodedError } from '@ioto/runtime';

/** SubjectPublicKeyInfo of an EC P-256 key up to its point, which is the rest: 0x04, x, y (RFC 5480 §2). */
const P256_PREFIX = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex');
const COORDINATE = 32;
const SPKI_LENGTH = P256_PREFIX.length + 2 * COORDINATE;

/**
 * The SPKI PEM in its one canonical form, so that equal keys are equal strings.
 *
 * @throws PUBLIC_KEY_MALFORMED (400) unless it is an EC P-256 public key with an uncompressed point on the curve.
 */
export function canonicalPublicKey(pem: string): string {
  const spki = spkiOf(pem);
  keyOf(spki);
  return pemOf(spki);
}

/**
 * The key of an SPKI PEM.
 *
 * @throws PUBLIC_KEY_MALFORMED (400) as `canonicalPublicKey`.
 */
export function parsePublicKey(pem: string): KeyObject {
  return keyOf(spkiOf(pem));
}

function spkiOf(pem: string): Buffer {
  const body = /^\s*-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]{1,400})-----END PUBLIC KEY-----\s*$/.exec(
    pem,
  )?.[1];
  const spki = Buffer.from(body?.replace(/\s/g, '') ?? '', 'base64');
  if (spki.length !== SPKI_LENGTH || !spki.subarray(0, P256_PREFIX.length).equals(P256_PREFIX))
    throw malformed();
  return spki;
}

/** By way of JWK, which spares OpenSSL its search for a decoder: half the time of a PEM. It checks the point. */
function keyOf(spki: Buffer): KeyObject {
  const coordinate = (index: number) => {
    const start = P256_PREFIX.length + index * COORDINATE;
    return spki.toString('base64url', start, start + COORDINATE);
  };
  try {
    return createPublicKey({
      key: { kty: 'EC', crv: 'P-256', x: coordinate(0), y: coordinate(1) },
      format: 'jwk',
    });
  } catch (error) {
    throw malformed(error);
  }
}

function pemOf(spki: Buffer): string {
  const lines = spki.toString('base64').replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN PUBLIC KEY-----\n${lines}\n-----END PUBLIC KEY-----\n`;
}

function malformed(cause?: unknown): CodedError {
  return new CodedError('PUBLIC_KEY_MALFORMED', 'publicKey must be an EC P-256 public key as SPKI PEM', {
    status: 400,
    cause,
  });
}
