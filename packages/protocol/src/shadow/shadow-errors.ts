import { CodedError } from '@ioto/runtime';

/** As AWS IoT has them: of `code` in an answer on `…/rejected`, and the status over REST. */
export type ShadowErrorCode = 400 | 401 | 403 | 404 | 409 | 413 | 415 | 429 | 500;

const CODES: Record<ShadowErrorCode, string> = {
  400: 'SHADOW_INVALID',
  401: 'SHADOW_UNAUTHORIZED',
  403: 'SHADOW_FORBIDDEN',
  404: 'SHADOW_UNKNOWN',
  409: 'SHADOW_CONFLICT',
  413: 'SHADOW_TOO_LARGE',
  415: 'SHADOW_ENCODING',
  429: 'SHADOW_BUSY',
  500: 'SHADOW_FAILED',
};

/** A request about a shadow that is refused, in AWS IoT's words. */
export class ShadowError extends CodedError {
  readonly shadowCode: ShadowErrorCode;
  /** Of the request, where it could be read: by it alone the caller knows which request was refused. */
  readonly clientToken: string | undefined;

  constructor(shadowCode: ShadowErrorCode, message: string, clientToken?: string, cause?: unknown) {
    super(CODES[shadowCode], message, { status: shadowCode, retryable: shadowCode === 429, cause });
    this.shadowCode = shadowCode;
    this.clientToken = clientToken;
  }
}

/** The words for what has no value in them. */
export const shadowRefusal = {
  unauthorized: (token?: string) => new ShadowError(401, 'Unauthorized', token),
  forbidden: (token?: string) => new ShadowError(403, 'Forbidden', token),
  thingUnknown: (token?: string) => new ShadowError(404, 'Thing not found', token),
  conflict: (token?: string) => new ShadowError(409, 'Version conflict', token),
  tooLarge: (token?: string) => new ShadowError(413, 'The payload exceeds the maximum size allowed', token),
  busy: (token?: string) => new ShadowError(429, 'Too many requests', token),
  /** @param cause What has failed, which the answer does not tell. */
  failed: (token?: string, cause?: unknown) => new ShadowError(500, 'Internal service failure', token, cause),
};

/** A classic shadow goes by its thing's name, a named one by `THING~NAME`. */
export function shadowUnknown(thing: string, name?: string, token?: string): ShadowError {
  const what = name === undefined ? thing : `${thing}~${name}`;
  return new ShadowError(404, `No shadow exists with name: '${what}'`, token);
}
