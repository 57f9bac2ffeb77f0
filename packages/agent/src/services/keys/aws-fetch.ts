import { type RequestToSign, sha256, signedHeadersOf } from '@ioto/protocol';
import type { ServerTime } from '../../cloud-api/server-time.ts';
import type { AwsFetch, AwsKeys, AwsRequest, Keys } from '../../service-apis.ts';
import type { UrlAnswer, UrlFetch } from '../url/fetch.ts';

/** Milliseconds that AWS lets a signature be off; below that the date was not what was wrong with it. */
const TOLERANCE = 240_000;

/** By which services say that a signature is not of now. */
const SKEWED = new Set([
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'RequestTimeTooSkewed',
  'RequestExpired',
  'AuthFailure',
]);
/** By which they say that the credentials are over. */
const OVER = new Set([
  'ExpiredTokenException',
  'ExpiredToken',
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'InvalidAccessKeyId',
  'InvalidToken',
]);

/** Makes what signs requests with the device's credentials (AWS Signature Version 4), dated by the cloud's clock. */
export function makeAwsFetch(parts: { keys: Keys; fetch: UrlFetch; serverTime: ServerTime }): AwsFetch {
  const { keys, fetch, serverTime } = parts;
  const send = async (request: AwsRequest, held: AwsKeys, now: number): Promise<UrlAnswer> => {
    const signing = requestToSign(request, held.region, now);
    const answer = await fetch(request.url, {
      method: signing.method,
      headers: signedHeadersOf(signing, held),
      body: request.body,
      timeout: request.timeout,
      signal: request.signal,
    });
    serverTime.observe(answer.headers.date);
    return answer;
  };
  return async (request) => {
    let held = await keys.get();
    let corrected = false;
    let renewed = false;
    for (;;) {
      const now = serverTime.now();
      const answer = await send(request, held, now);
      if (answer.status !== 400 && answer.status !== 401 && answer.status !== 403) return answer;
      const code = errorCode(answer);
      if (!corrected && SKEWED.has(code) && Math.abs(serverTime.now() - now) > TOLERANCE) corrected = true;
      else if (!renewed && OVER.has(code)) {
        renewed = true;
        keys.refused(held);
        held = await keys.get();
      } else return answer;
    }
  };
}

function requestToSign(request: AwsRequest, region: string, now: number): RequestToSign {
  const { service, url, target, body, headers = {} } = request;
  const lower = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  return {
    method: request.method ?? (body === undefined ? 'GET' : 'POST'),
    url: new URL(url),
    headers: {
      ...(target !== undefined && { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target }),
      // S3 alone insists that the hash of the body is said.
      ...(service === 's3' && { 'x-amz-content-sha256': sha256(body ?? '') }),
      ...lower,
    },
    body: body ?? '',
    ...{ service, region, now },
  };
}

/** The name of an error, wherever the dialect of the service has it; '' for none. */
function errorCode({ headers, text }: UrlAnswer): string {
  const said = headers['x-amzn-errortype'] ?? inBody(text());
  return String(said ?? '')
    .replace(/^.*#/, '')
    .replace(/:.*$/, '');
}

function inBody(text: string): unknown {
  if (text.startsWith('<')) return /<Code>([^<]+)<\/Code>/.exec(text)?.[1];
  try {
    const body = JSON.parse(text) as { __type?: unknown; code?: unknown };
    return body.__type ?? body.code;
  } catch {
    return undefined;
  }
}
