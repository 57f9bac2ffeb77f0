import { CodedError } from '@ioto/runtime';

/**
 * Codes of rejected requests. Of AWS's own only `InvalidCertificateOwnershipToken` is known for certain; clients show them and
 * decide nothing by them.
 */
const STATUS = {
  InvalidPayload: 400,
  InvalidCsr: 400,
  InvalidParameters: 400,
  InvalidCertificateOwnershipToken: 400,
  AccessDenied: 403,
  TemplateNotFound: 404,
  Throttled: 429,
  InternalError: 500,
} as const;

export type RefusalCode = keyof typeof STATUS;

/** A refusal in the words of AWS's fleet provisioning. */
export function refusal(code: RefusalCode, message: string, cause?: unknown): CodedError {
  return new CodedError(code, message, { status: STATUS[code], cause });
}

export function isRefusal(error: unknown): error is CodedError & { code: RefusalCode; status: number } {
  return error instanceof CodedError && Object.hasOwn(STATUS, error.code);
}
