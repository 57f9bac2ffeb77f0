import { timingSafeEqual } from 'node:crypto';
import {
  canonicalRequest,
  headerValues,
  type SignedRequest,
  type SigningScope,
  sha256,
  signatureOver,
  signingKey,
} from '@ioto/protocol';
import { signatureError } from './errors.ts';
import { type ClaimedSignature, parseSignature } from './parse-signature.ts';

/** Milliseconds that the clock of the signer may be off. */
export const CLOCK_TOLERANCE = 300_000;

/** Seconds for which a presigned URL may hold at most. */
export const LONGEST_PRESIGNED = 86_400;

/** The keys that signed a request, if it was they. */
export interface SigningKeys {
  accessKeyId: string;
  sessionToken: string | undefined;
}

export interface VerifyOptions<B> {
  /** Milliseconds since 1970. */
  now: number;
  region: string;
  /** Signing names that are served here. */
  services: readonly string[];
  /**
   * The secret that belongs to an access key and its session token, and whose they are.
   *
   * @throws UnrecognizedClientException or ExpiredTokenException.
   */
  open(keys: SigningKeys): Promise<Opened<B>>;
}

interface Opened<B> {
  secret: string;
  bearer: B;
  /** The key that the secret makes for one scope, where it is kept. */
  signingKey?(scope: SigningScope): Buffer;
}

/**
 * Checks the signature of a request, in its header or in its query, and resolves whose it is.
 *
 * @throws MissingAuthenticationTokenException, IncompleteSignatureException, InvalidSignatureException,
 * UnrecognizedClientException, ExpiredTokenException.
 */
export async function verifySignedRequest<B>(request: SignedRequest, options: VerifyOptions<B>): Promise<B> {
  const claimed = parseSignature(request);
  checkScope(claimed, options);
  checkTime(claimed, options.now);
  checkCoverage(request, claimed);
  const { secret, bearer, signingKey: keyFor } = await options.open(claimed);
  const expected = signatureOf(request, claimed, keyFor?.(claimed) ?? signingKey(secret, claimed));
  if (!expected || !timingSafeEqual(expected, Buffer.from(claimed.signature, 'hex'))) {
    throw invalid(
      'the signature does not match the request: check the secret key and how the request is signed',
    );
  }
  return bearer;
}

function checkScope<B>({ region, service, day, date }: ClaimedSignature, options: VerifyOptions<B>): void {
  if (region !== options.region) throw invalid(`the credential scope must name the region ${options.region}`);
  if (!options.services.includes(service)) {
    throw invalid(`the credential scope must name the service ${options.services.join(' or ')}`);
  }
  if (!date.startsWith(day)) throw invalid('the day of the credential scope is not that of X-Amz-Date');
}

/** Without X-Amz-Expires a presigned URL holds as long as a signed request. */
function checkTime({ time, expires = 0 }: ClaimedSignature, now: number): void {
  if (expires > LONGEST_PRESIGNED) throw invalid(`X-Amz-Expires may be ${LONGEST_PRESIGNED} at most`);
  if (time - now > CLOCK_TOLERANCE) throw invalid('the signature is not valid yet: check the clock');
  if (now - time > Math.max(CLOCK_TOLERANCE, expires * 1000)) {
    throw invalid('the signature has expired: check the clock');
  }
}

/** What decides about a request must be signed: whom it goes to, and what AWS's own headers say. */
function checkCoverage({ rawHeaders, body }: SignedRequest, { signedHeaders }: ClaimedSignature): void {
  if (!signedHeaders.includes('host')) throw invalid('the header host must be signed');
  for (const [index, name] of rawHeaders.entries()) {
    const lower = index % 2 === 0 ? name.toLowerCase() : '';
    // The secret key is derived from the token, so that another one would not do.
    if (!lower.startsWith('x-amz-') || lower === 'x-amz-security-token') continue;
    if (!signedHeaders.includes(lower)) throw invalid(`the header ${lower.slice(0, 64)} must be signed`);
  }
  const hashes = headerValues(rawHeaders, 'x-amz-content-sha256');
  if (hashes.some((hash) => hash !== sha256(body))) {
    throw invalid('x-amz-content-sha256 is not the SHA-256 of the body');
  }
}

function signatureOf(request: SignedRequest, claimed: ClaimedSignature, key: Buffer): Buffer | undefined {
  const canonical = canonicalRequest(request, claimed);
  if (canonical === undefined) return undefined;
  return signatureOver(canonical, claimed, key);
}

function invalid(why: string): Error {
  return signatureError('InvalidSignatureException', why);
}
