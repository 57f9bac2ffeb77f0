import {
  headerValues,
  type QueryParameter,
  queryParameters,
  type SignedRequest,
  splitTarget,
} from '@ioto/protocol';
import { signatureError } from './errors.ts';

/** What a request says of its own signature. Nothing of it is proven yet. */
export interface ClaimedSignature {
  /** Where it stands: in the Authorization header, or in the query of a presigned URL. */
  form: 'header' | 'query';
  accessKeyId: string;
  /** `YYYYMMDD`, of the credential scope. */
  day: string;
  region: string;
  service: string;
  /** `YYYYMMDDTHHMMSSZ`, and the same as milliseconds since 1970. */
  date: string;
  time: number;
  /** Lower case, in the order in which they were signed. */
  signedHeaders: readonly string[];
  /** Hexadecimal. */
  signature: string;
  sessionToken: string | undefined;
  /** Of the query form: seconds, when it says. */
  expires: number | undefined;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
/** An access key, four parts and slashes. */
const LONGEST_SCOPE = 512;
const LONGEST_TOKEN = 4096;
const MOST_HEADERS = 64;

/** True when a request says that it is signed, in either form. */
export function isSigned({ target, rawHeaders }: SignedRequest): boolean {
  return (
    /[?&]X-Amz-Algorithm=/.test(target) ||
    headerValues(rawHeaders, 'authorization').some((value) => value.startsWith('AWS4-'))
  );
}

/**
 * Reads the signature of a request (AWS Signature Version 4).
 *
 * @throws MissingAuthenticationTokenException (403) when there is none, IncompleteSignatureException (400) when a part of
 * it is missing or malformed.
 */
export function parseSignature(request: SignedRequest): ClaimedSignature {
  const { query } = splitTarget(request.target);
  const [authorization, another] = headerValues(request.rawHeaders, 'authorization');
  if (authorization?.startsWith('AWS4-') && another === undefined) return ofHeader(request, authorization);
  const parameters = queryParameters(query);
  if (!parameters) throw incomplete('the query is not UTF-8 in percent encoding');
  if (parameters.some(({ name }) => name === 'X-Amz-Algorithm')) return ofQuery(parameters);
  throw signatureError(
    'MissingAuthenticationTokenException',
    'the request shows neither a device certificate nor a signature (AWS Signature Version 4)',
  );
}

function ofHeader({ rawHeaders }: SignedRequest, authorization: string): ClaimedSignature {
  const [algorithm, rest = ''] = cut(authorization, ' ');
  requireAlgorithm(algorithm);
  const parts = new Map(rest.split(',').map((part) => cut(part.trim(), '=')));
  const one = (name: string) => {
    const [value, another] = headerValues(rawHeaders, name);
    if (another !== undefined) throw incomplete(`the header ${name} comes more than once`);
    return value;
  };
  return {
    form: 'header',
    ...scopeOf(parts.get('Credential')),
    ...timeOf(one('x-amz-date')),
    signedHeaders: headersOf(parts.get('SignedHeaders')),
    signature: signatureOf(parts.get('Signature')),
    sessionToken: tokenOf(one('x-amz-security-token')),
    expires: undefined,
  };
}

function ofQuery(parameters: readonly QueryParameter[]): ClaimedSignature {
  const one = (name: string) => {
    const [first, another] = parameters.filter((parameter) => parameter.name === name);
    if (another) throw incomplete(`${name} comes more than once`);
    return first?.value;
  };
  requireAlgorithm(one('X-Amz-Algorithm'));
  const expires = one('X-Amz-Expires');
  if (expires !== undefined && !/^[1-9]\d{0,6}$/.test(expires)) {
    throw incomplete('X-Amz-Expires is not a number of seconds');
  }
  return {
    form: 'query',
    ...scopeOf(one('X-Amz-Credential')),
    ...timeOf(one('X-Amz-Date')),
    signedHeaders: headersOf(one('X-Amz-SignedHeaders')),
    signature: signatureOf(one('X-Amz-Signature')),
    sessionToken: tokenOf(one('X-Amz-Security-Token')),
    expires: expires === undefined ? undefined : Number(expires),
  };
}

function requireAlgorithm(algorithm: string | undefined): void {
  if (algorithm !== ALGORITHM) throw incomplete(`the algorithm is not ${ALGORITHM}`);
}

/** `ASIA…/20260101/REGION/SERVICE/aws4_request`; a region may have a slash in its name. */
function scopeOf(
  scope: string | undefined,
): Pick<ClaimedSignature, 'accessKeyId' | 'day' | 'region' | 'service'> {
  const [, accessKeyId, day, region, service] =
    /^([A-Z0-9]{16,128})\/(\d{8})\/(.+)\/([a-z0-9-]{1,64})\/aws4_request$/.exec(
      scope?.slice(0, LONGEST_SCOPE) ?? '',
    ) ?? [];
  if (!accessKeyId || !day || !region || !service) {
    throw incomplete('Credential is not of the form KEY/DATE/REGION/SERVICE/aws4_request');
  }
  return { accessKeyId, day, region, service };
}

function timeOf(date: string | undefined): Pick<ClaimedSignature, 'date' | 'time'> {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date ?? '') ?? [];
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (date === undefined || Number.isNaN(time)) {
    throw incomplete('X-Amz-Date is not of the form YYYYMMDDTHHMMSSZ');
  }
  return { date, time };
}

function headersOf(list: string | undefined): string[] {
  const names = list?.split(';') ?? [];
  const sound = names.every((name, index) => {
    const before = names[index - 1];
    return /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) && (before === undefined || before < name);
  });
  if (!sound || names.length === 0 || names.length > MOST_HEADERS) {
    throw incomplete('SignedHeaders is not a list of header names, in lower case and sorted');
  }
  return names;
}

function signatureOf(signature: string | undefined): string {
  if (!signature || !/^[0-9a-f]{64}$/.test(signature)) {
    throw incomplete('Signature is not one of 64 hexadecimal digits');
  }
  return signature;
}

function tokenOf(token: string | undefined): string | undefined {
  if (token !== undefined && token.length > LONGEST_TOKEN) throw incomplete('the session token is too long');
  return token;
}

function cut(text: string, at: string): [string, string] {
  const index = text.indexOf(at);
  return index < 0 ? [text, ''] : [text.slice(0, index), text.slice(index + at.length)];
}

function incomplete(what: string): Error {
  return signatureError('IncompleteSignatureException', what);
}
