import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { errorCatalogue } from '@ioto/runtime';
import { CertificationRequest } from '@peculiar/asn1-csr';
import { AsnConvert } from '@peculiar/asn1-schema';
import { isUsualSpki, toPem } from './certificate.ts';

const fail = errorCatalogue({
  CSR_MALFORMED: { status: 400 },
  CSR_KEY_UNSUITABLE: { status: 400 },
  CSR_SIGNATURE_INVALID: { status: 400 },
});

/** A request for a P-256 key takes about 300 bytes; more is somebody else's idea. */
const MAX_LENGTH = 8192;

const PEM =
  /^\s*-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END (?:NEW )?CERTIFICATE REQUEST-----\s*$/;

const DIGESTS: Record<string, string | undefined> = {
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
};

/**
 * Checks a PKCS#10 request and its proof of possession [RFC 2986 4.2], and returns the public key as SPKI PEM. Nothing
 * else of the request is used: the authority decides subject and extensions.
 *
 * @throws CSR_MALFORMED, CSR_KEY_UNSUITABLE (EC P-256 is wanted), CSR_SIGNATURE_INVALID, each with status 400.
 */
export function keyOfRequest(pem: string): string {
  const request = parse(pem);
  const { key, spki } = keyFrom(request);
  const digest = DIGESTS[request.signatureAlgorithm.algorithm];
  const body = request.certificationRequestInfoRaw;
  if (!digest || !body) {
    throw fail('CSR_KEY_UNSUITABLE', 'sign the certificate request with ECDSA and SHA-256');
  }
  if (!isSignedBy(key, digest, body, request.signature)) {
    throw fail(
      'CSR_SIGNATURE_INVALID',
      'the certificate request is not signed by the key that it carries: make it anew',
    );
  }
  return toPem('PUBLIC KEY', spki);
}

function parse(pem: string): CertificationRequest {
  const base64 = pem.length <= MAX_LENGTH ? PEM.exec(pem)?.[1] : undefined;
  try {
    if (base64) return AsnConvert.parse(Buffer.from(base64, 'base64'), CertificationRequest);
  } catch {
    // falls through to the one refusal
  }
  throw fail(
    'CSR_MALFORMED',
    `csr must be one PKCS#10 certificate request in PEM of at most ${MAX_LENGTH} bytes`,
  );
}

function keyFrom(request: CertificationRequest): { key: KeyObject; spki: Buffer } {
  try {
    const spki = Buffer.from(AsnConvert.serialize(request.certificationRequestInfo.subjectPKInfo));
    if (isUsualSpki(spki)) return { key: createPublicKey({ key: spki, format: 'der', type: 'spki' }), spki };
  } catch {
    // falls through to the one refusal
  }
  throw fail(
    'CSR_KEY_UNSUITABLE',
    'the certificate request must carry an EC P-256 key with an uncompressed point',
  );
}

function isSignedBy(key: KeyObject, digest: string, body: ArrayBuffer, signature: ArrayBuffer): boolean {
  try {
    return verify(digest, Buffer.from(body), key, Buffer.from(signature));
  } catch {
    return false;
  }
}
