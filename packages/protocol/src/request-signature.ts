import { createHash, type KeyObject, sign, timingSafeEqual, verify } from 'node:crypto';
import { CodedError } from '@ioto/runtime';
import { parsePublicKey } from './public-key.ts';

/** Carries the proof that a request comes from the device whose key was pinned at its first register. */
export const SIGNATURE_HEADER = 'ioto-signature';

/** How far a signature's date may be off, in milliseconds. */
export const SIGNATURE_TOLERANCE = 5 * 60_000;

export interface SignedParts {
  method: string;
  /** The path as it stands in the request line, query included. */
  path: string;
  /** The exact bytes of the body. */
  body: string | Uint8Array;
}

/**
 * The header's value: `date="ISO time", signature="base64"`, an ECDSA P-256 signature with SHA-256 (DER) over the
 * method, path, date and hexadecimal SHA-256 of the body, a line each.
 */
export function signRequest(parts: SignedParts, privateKey: KeyObject, now: number): string {
  const date = new Date(now).toISOString();
  const signature = sign('sha256', signedText(parts, date), privateKey).toString('base64');
  return `date="${date}", signature="${signature}"`;
}

/**
 * Verifies a signature header against the pinned SPKI PEM.
 *
 * @throws SIGNATURE_MISSING, SIGNATURE_MALFORMED, SIGNATURE_DATE (the clock is off: use the answer's Date header) or
 * SIGNATURE_INVALID, each with status 401.
 */
export function verifyRequest(
  parts: SignedParts,
  header: string | undefined,
  publicKeyPem: string,
  now: number,
): void {
  if (!header) {
    throw refuse(
      'SIGNATURE_MISSING',
      'this device registered with a key of its own: sign the request with it',
    );
  }
  const match = /^date="([^"]{1,40})", signature="([A-Za-z0-9+/=]{1,200})"$/.exec(header);
  const [, date, signature] = match ?? [];
  const time = Date.parse(date ?? '');
  if (!date || !signature || Number.isNaN(time)) {
    throw refuse('SIGNATURE_MALFORMED', 'the Ioto-Signature header is not date="…", signature="…"');
  }
  if (Math.abs(now - time) > SIGNATURE_TOLERANCE) {
    throw refuse(
      'SIGNATURE_DATE',
      'the signature is not of this time: set the clock by the Date of this answer',
    );
  }
  let valid = false;
  try {
    valid = verify(
      'sha256',
      signedText(parts, date),
      parsePublicKey(publicKeyPem),
      Buffer.from(signature, 'base64'),
    );
  } catch {
    valid = false;
  }
  if (!valid)
    throw refuse('SIGNATURE_INVALID', 'the signature is not by the key that this device registered with');
}

/** Compares two secrets without telling by time where they differ. */
export function secretsEqual(a: string, b: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}

function signedText({ method, path, body }: SignedParts, date: string): Buffer {
  const bodyHash = createHash('sha256').update(body).digest('hex');
  return Buffer.from(`${method.toUpperCase()}\n${path}\n${date}\n${bodyHash}`);
}

function refuse(code: string, message: string): CodedError {
  return new CodedError(code, message, { status: 401 });
}
