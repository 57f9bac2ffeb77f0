import { errorCatalogue } from '@ioto/runtime';

/** Refusals of signed requests, under the names that AWS clients know them by. */
export const signatureError = errorCatalogue({
  MissingAuthenticationTokenException: { status: 403 },
  IncompleteSignatureException: { status: 400 },
  InvalidSignatureException: { status: 403 },
  UnrecognizedClientException: { status: 403 },
  ExpiredTokenException: { status: 403 },
});
