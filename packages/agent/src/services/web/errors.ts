import { type CodedError, errorCatalogue } from '@ioto/runtime';

/** What the web server tells clients. Whatever else goes wrong is a 500 without a word of what it was. */
export const webError = errorCatalogue({
  WEB_NOT_FOUND: { status: 404 },
  WEB_METHOD: { status: 405 },
  WEB_BODY_SYNTAX: { status: 400 },
  WEB_BODY_SLOW: { status: 408 },
  WEB_CONFLICT: { status: 409 },
  WEB_LAST_USER: { status: 409 },
  WEB_CONDITION: { status: 412 },
  WEB_BODY_TOO_LARGE: { status: 413 },
  WEB_BODY_TYPE: { status: 415 },
  WEB_HOST: { status: 421 },
  WEB_SIGN_IN: { status: 401 },
  WEB_ROLE: { status: 403 },
  WEB_INSECURE: { status: 403 },
  WEB_CROSS_SITE: { status: 403 },
  WEB_XSRF: { status: 400 },
  WEB_USER: { status: 400 },
  WEB_ATTEMPTS: { status: 429, retryable: true },
  WEB_SIGNATURE: { status: 400 },
  WEB_RESPONSE: { status: 500 },
  WEB_SLOW: { status: 503 },
  WEB_BUSY: { status: 503, retryable: true },
  WEB_DISK_FULL: { status: 507 },
});

/** Milliseconds after which a client that found no room may try again. */
const BUSY = 10_000;

/** There is no room for one more of something, which is told in the plural. */
export function tooMany(what: string): CodedError {
  return webError('WEB_BUSY', `there are too many ${what}: try again later`, { retryAfter: BUSY });
}

/** The status that an error becomes, where it is one that clients may be told of. */
export function statusOf(error: unknown): number | undefined {
  const { status } = error as Partial<CodedError>;
  return error instanceof Error && 'code' in error && Number.isInteger(status) ? status : undefined;
}
