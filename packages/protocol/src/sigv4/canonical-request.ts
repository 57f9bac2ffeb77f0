import { createHash } from 'node:crypto';
import { headerValues, queryParameters, type SignedRequest, splitTarget } from './signed-request.ts';

/** What a signature says of itself that decides what it is made of. */
export interface Signed {
  /** Where it stands: in the Authorization header, or in the query of a presigned URL. */
  form: 'header' | 'query';
  service: string;
  /** Lower case, in the order in which they were signed. */
  signedHeaders: readonly string[];
}

/**
 * The text that a signature is made of (AWS Signature Version 4, "canonical request"). Pure. Undefined when the request
 * lacks a header that it says is signed, or its query is malformed.
 */
export function canonicalRequest(
  request: SignedRequest,
  { form, service, signedHeaders }: Signed,
): string | undefined {
  const { path, query } = splitTarget(request.target);
  const parameters = canonicalQuery(query, form === 'query' ? service : undefined);
  const headers = signedHeaders.map((name) => canonicalHeader(request.rawHeaders, name));
  if (parameters === undefined || headers.includes(undefined)) return undefined;
  return [
    request.method,
    service === 's3' ? path : encodePath(path),
    parameters,
    ...headers,
    '',
    signedHeaders.join(';'),
    sha256(request.body),
  ].join('\n');
}

/** The path as it came, encoded once more, as every service but S3 wants it. */
function encodePath(path: string): string {
  return path.split('/').map(encodeStrictly).join('/');
}

/** `presignedFor`: the service, when the signature itself stands in the query. */
function canonicalQuery(query: string, presignedFor: string | undefined): string | undefined {
  const parameters = queryParameters(query);
  return parameters
    ?.filter(({ name }) => presignedFor === undefined || isCovered(name, presignedFor))
    .map(({ name, value }) => [encodeStrictly(name), encodeStrictly(value)] as const)
    .sort(([a, b], [c, d]) => compare(a, c) || compare(b, d))
    .map((pair) => pair.join('='))
    .join('&');
}

/** AWS IoT has the session token appended to the URL after it was signed; with it goes its secret, so it is proven all the same. */
function isCovered(name: string, service: string): boolean {
  if (name === 'X-Amz-Signature') return false;
  return name !== 'X-Amz-Security-Token' || service !== 'iotdevicegateway';
}

function canonicalHeader(rawHeaders: readonly string[], name: string): string | undefined {
  const values = headerValues(rawHeaders, name);
  if (values.length === 0) return undefined;
  return `${name}:${values.map((value) => value.trim().replace(/ +/g, ' ')).join(',')}`;
}

/** RFC 3986: all but the unreserved characters. */
function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** By code units, as the bytes of encoded text are sorted. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Hexadecimal. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
