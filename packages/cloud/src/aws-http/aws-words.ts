import { type CodedError, isCodedError } from '@ioto/runtime';
import { awsError } from './aws-error.ts';

/** How a service of AWS calls a refusal. */
export interface AwsName {
  code: string;
  /** Default 400. */
  status?: number;
  /** Default: what the refusal itself says. */
  message?: string;
}

/** What a service calls the refusals of what is behind it, by their codes. */
export type AwsNames = Readonly<Record<string, AwsName | ((error: CodedError) => AwsName)>>;

/** What every service calls those that it has no name of its own for, by their status. */
const BY_STATUS: Readonly<Record<number, string>> = {
  400: 'InvalidRequestException',
  403: 'AccessDeniedException',
  404: 'ResourceNotFoundException',
  409: 'ConflictException',
  413: 'RequestEntityTooLargeException',
  429: 'ThrottlingException',
};

/** Runs an operation of a service, whose refusals are then called by its names. */
export async function named<T>(names: AwsNames, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    const name = isCodedError(error) && Object.hasOwn(names, error.code) ? names[error.code] : undefined;
    if (!name) throw error;
    const { code, message, status } = typeof name === 'function' ? name(error as CodedError) : name;
    throw awsError(code, message ?? (error as CodedError).message, { status, cause: error });
  }
}

/** The refusal in the words of AWS for whatever was thrown; its cause is for the log. */
export function inAwsWords(thrown: unknown): CodedError {
  if ((thrown as { code?: unknown }).code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    const message = 'The payload exceeds the maximum size allowed';
    return awsError('RequestEntityTooLargeException', message, { status: 413 });
  }
  if (isCodedError(thrown)) {
    const { code, status = 500, message } = thrown;
    // Ours are written in capitals.
    if (/[a-z]/.test(code)) return thrown;
    if (status === 503) {
      const text = 'The service is temporarily unavailable';
      return awsError('ServiceUnavailableException', text, { status, cause: thrown });
    }
    const name = BY_STATUS[status];
    if (name !== undefined) return awsError(name, message, { status, cause: thrown });
  }
  const message = 'the request failed here; the log of the cloud says why';
  return awsError('InternalFailureException', message, { status: 500, cause: thrown });
}
