import { type CodedError, isCodedError } from '@ioto/runtime';
import { awsError } from '../aws-http/aws-error.ts';

export function invalidParameter(message: string): CodedError {
  return awsError('InvalidParameterException', message);
}

/** What CloudWatch calls the errors of the log store. */
const AWS_NAMES: Readonly<Record<string, readonly [code: string, message: string, status?: number]>> = {
  LOG_GROUP_UNKNOWN: ['ResourceNotFoundException', 'The specified log group does not exist.'],
  LOG_STREAM_UNKNOWN: ['ResourceNotFoundException', 'The specified log stream does not exist.'],
  LOG_GROUP_EXISTS: ['ResourceAlreadyExistsException', 'The specified log group already exists'],
  LOG_STREAM_EXISTS: ['ResourceAlreadyExistsException', 'The specified log stream already exists'],
  LOG_STORE_UNWRITABLE: ['ServiceUnavailableException', 'The service cannot complete the request.', 503],
  TOO_MANY_AT_ONCE: ['ThrottlingException', 'Rate exceeded'],
  WAIT_GIVEN_UP: ['ServiceUnavailableException', 'The service cannot complete the request.', 503],
  STORE_UNWRITABLE: ['ServiceUnavailableException', 'The service cannot complete the request.', 503],
  STORE_CLOSED: ['ServiceUnavailableException', 'The service is stopping.', 503],
};

/** Runs an operation, and says what it refuses in the words of CloudWatch Logs. */
export async function inAwsWords<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (isCodedError(error, 'LOG_LIMIT')) {
      throw awsError('LimitExceededException', `Resource limit exceeded: ${error.message}.`, {
        cause: error,
      });
    }
    const [code, message, status] = (isCodedError(error) && AWS_NAMES[error.code]) || [];
    if (!code || !message) throw error;
    throw awsError(code, message, { status, cause: error });
  }
}
