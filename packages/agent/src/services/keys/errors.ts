import { errorCatalogue } from '@ioto/runtime';

/** What `agent.keys.get` throws beside what the cloud itself says. */
export const keysError = errorCatalogue({
  /** Nobody has claimed the device, or it has no certificate yet: there is nobody to ask. */
  NOT_CLAIMED: { retryable: true },
  /** The answer holds no credentials, or does not say for which region they are. */
  KEYS_MALFORMED: {},
});
