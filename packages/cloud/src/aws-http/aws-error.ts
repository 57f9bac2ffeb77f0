import { CodedError } from '@ioto/runtime';

/**
 * A refusal in the words of an AWS service.
 *
 * @param code AWS's name for it, such as `ResourceNotFoundException`.
 * @param status What HTTP says: 400 for most, see the service's own list.
 */
export function awsError(code: string, message: string, options: AwsErrorOptions = {}): CodedError {
  const { status = 400, ...others } = options;
  return new CodedError(code, message, { status, ...others });
}

export interface AwsErrorOptions {
  status?: number;
  cause?: unknown;
  details?: Record<string, unknown>;
}
