import { errorCatalogue } from '@ioto/runtime';

/** Refusals of the device capabilities. */
export const deviceError = errorCatalogue({
  ACCOUNT_UNKNOWN: { status: 404 },
  DEVICE_UNKNOWN: { status: 404 },
  DEVICE_NEVER_REGISTERED: { status: 404 },
  DEVICE_CLAIMED: { status: 409 },
  DEVICE_BUSY: { status: 409, retryable: true },
  DEVICE_MISMATCH: { status: 403 },
  DEVICE_EXPIRED: { status: 403 },
  CERTIFICATE_UNKNOWN: { status: 404 },
  DEVICE_NOT_READY: { status: 503, retryable: true },
  PROVISION_TOO_OFTEN: { status: 429, retryable: true },
});
