import { errorCatalogue } from '@ioto/runtime';

/** Refusals of what owners ask about jobs. */
export const jobError = errorCatalogue({
  REQUEST_INVALID: { status: 400 },
  DEVICE_UNKNOWN: { status: 404 },
  JOB_UNKNOWN: { status: 404 },
  JOB_EXISTS: { status: 409 },
  JOB_ACTIVE: { status: 409 },
  JOB_LIMIT: { status: 429 },
});
