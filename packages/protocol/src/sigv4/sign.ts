import { canonicalRequest } from './canonical-request.ts';
import { scopeOf, signatureOver, signingKey } from './signing-key.ts';

/** Keys to sign with. All but the first are secrets. */
export interface SigningCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

export interface RequestToSign {
  method: string;
  url: URL;
  /** Beside `host` and AWS's own; names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: Uint8Array | string;
  service: string;
  region: string;
  /** Milliseconds since 1970, by the server's clock. */
  now: number;
}

/**
 * The headers of a request with its signature (AWS Signature Version 4, in the Authorization header): those given, and
 * `x-amz-date`, `x-amz-security-token`, `authorization`.
 */
export function signedHeadersOf(
  request: RequestToSign,
  credentials: SigningCredentials,
): Record<string, string> {
  const { method, url, service, region, now } = request;
  const date = new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, '');
  const headers: Record<string, string> = { ...request.headers, 'x-amz-date': date };
  if (credentials.sessionToken !== undefined) headers['x-amz-security-token'] = credentials.sessionToken;
  const covered: Record<string, string> = { ...headers, host: url.host };
  const signedHeaders = Object.keys(covered).sort();
  const canonical = canonicalRequest(
    {
      method,
      target: url.pathname + url.search,
      rawHeaders: signedHeaders.flatMap((name) => [name, covered[name] as string]),
      body: typeof request.body === 'string' ? Buffer.from(request.body) : request.body,
    },
    { form: 'header', service, signedHeaders },
  );
  if (canonical === undefined) throw new RangeError('the URL to sign has a malformed query');
  const scope = { day: date.slice(0, 8), region, service };
  const signature = signatureOver(
    canonical,
    { ...scope, date },
    signingKey(credentials.secretAccessKey, scope),
  );
  headers.authorization = [
    `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scopeOf(scope)}`,
    `SignedHeaders=${signedHeaders.join(';')}`,
    `Signature=${signature.toString('hex')}`,
  ].join(', ');
  return headers;
}
