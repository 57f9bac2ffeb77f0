import { type KeyObject, verify } from 'node:crypto';
import { parsePublicKey } from '@ioto/protocol';
import { errorCatalogue } from '@ioto/runtime';
import { toPem } from './certificate.ts';
import { oid, TAG } from './der.ts';
import { DerReader } from './der-reader.ts';

const fail = errorCatalogue({
  CSR_MALFORMED: { status: 400 },
  CSR_KEY_UNSUITABLE: { status: 400 },
  CSR_SIGNATURE_INVALID: { status: 400 },
});

/** A request for a P-256 key takes about 300 bytes; more is somebody else's idea. */
const MAX_LENGTH = 8192;

const PEM =
  /^\s*-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END (?:NEW )?CERTIFICATE REQUEST-----\s*$/;

/** ECDSA with each digest, as the content of a signature's AlgorithmIdentifier. */
const DIGESTS: readonly [string, Buffer][] = [
  ['sha256', oid('1.2.840.10045.4.3.2')],
  ['sha384', oid('1.2.840.10045.4.3.3')],
  ['sha512', oid('1.2.840.10045.4.3.4')],
];

interface SignedRequest {
  /** What the signature covers. */
  info: Buffer;
  /** Subject public key, SPKI DER. */
  spki: Buffer;
  algorithm: Buffer;
  signature: Buffer;
}

/**
 * Checks a PKCS#10 request and its proof of possession [RFC 2986 4.2], and returns the public key as canonical SPKI PEM.
 * Nothing else of the request is used: the authority decides subject and extensions.
 *
 * @throws CSR_MALFORMED, CSR_KEY_UNSUITABLE (EC P-256 is wanted), CSR_SIGNATURE_INVALID, each with status 400.
 */
export function keyOfRequest(pem: string): string {
  const request = parse(pem);
  const publicKey = toPem('PUBLIC KEY', request.spki);
  const key = keyFrom(publicKey);
  const digest = DIGESTS.find(([, identifier]) => identifier.equals(request.algorithm))?.[0];
  if (!digest) throw fail('CSR_KEY_UNSUITABLE', 'sign the certificate request with ECDSA and SHA-256');
  if (!isSignedBy(key, digest, request)) {
    throw fail(
      'CSR_SIGNATURE_INVALID',
      'the certificate request is not signed by the key that it carries: make it anew',
    );
  }
  return publicKey;
}

function parse(pem: string): SignedRequest {
  const base64 = pem.length <= MAX_LENGTH ? PEM.exec(pem)?.[1] : undefined;
  try {
    if (base64) return readRequest(Buffer.from(base64, 'base64'));
  } catch {
    // falls through to the one refusal
  }
  throw fail(
    'CSR_MALFORMED',
    `csr must be one PKCS#10 certificate request in PEM of at most ${MAX_LENGTH} bytes`,
  );
}

/** CertificationRequest and CertificationRequestInfo of RFC 2986 4. */
function readRequest(der: Buffer): SignedRequest {
  const outer = new DerReader(der);
  const request = new DerReader(outer.next(TAG.sequence).content);
  const info = request.next(TAG.sequence);
  const algorithm = request.next(TAG.sequence).content;
  const bits = request.next(TAG.bitString).content;
  const parts = new DerReader(info.content);
  parts.next(TAG.integer);
  parts.next(TAG.sequence);
  const spki = parts.next(TAG.sequence).whole;
  parts.optional(TAG.attributes);
  if (!outer.atEnd || !request.atEnd || !parts.atEnd || bits[0] !== 0)
    throw new RangeError('more than a request');
  return { info: info.whole, spki, algorithm, signature: bits.subarray(1) };
}

function keyFrom(pem: string): KeyObject {
  try {
    return parsePublicKey(pem);
  } catch (error) {
    throw fail(
      'CSR_KEY_UNSUITABLE',
      'the certificate request must carry an EC P-256 key with an uncompressed point',
      { cause: error },
    );
  }
}

function isSignedBy(key: KeyObject, digest: string, { info, signature }: SignedRequest): boolean {
  try {
    return verify(digest, info, key, signature);
  } catch {
    return false;
  }
}
