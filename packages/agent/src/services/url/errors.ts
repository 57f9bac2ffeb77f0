import { errorCatalogue } from '@ioto/runtime';

/** What `agent.url.fetch` throws. Messages name host and port, never a path or query, which may hold secrets. */
export const urlError = errorCatalogue({
  /** Not an absolute http or https URL. */
  URL_BAD: {},
  /** No complete answer in time. */
  URL_TIMEOUT: { retryable: true },
  /** The answer is longer than the limit. */
  URL_TOO_LARGE: {},
  /** No connection, or it broke. */
  URL_UNREACHABLE: { retryable: true },
  /** The server's certificate is not signed by an authority that this device trusts, or is for another name. */
  URL_UNTRUSTED: { retryable: true },
  /** The answer is no JSON. */
  URL_BODY: { retryable: true },
});
