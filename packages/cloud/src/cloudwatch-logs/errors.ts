import type { CodedError } from '@ioto/runtime';
import { awsError } from '../aws-http/aws-error.ts';
import type { AwsNames } from '../aws-http/aws-words.ts';

export function invalidParameter(message: string): CodedError {
  return awsError('InvalidParameterException', message);
}

/** What is to be tried again, in AWS's words, and why, for whoever reads the log of a client. */
function unavailable(reason: string) {
  const message = `The service cannot complete the request: ${reason}.`;
  return { code: 'ServiceUnavailableException', message, status: 503 };
}

/** What CloudWatch Logs calls the refusals of the log store. */
export const LOG_NAMES: AwsNames = {
  LOG_GROUP_UNKNOWN: {
    code: 'ResourceNotFoundException',
    message: 'The specified log group does not exist.',
  },
  LOG_STREAM_UNKNOWN: {
    code: 'ResourceNotFoundException',
    message: 'The specified log stream does not exist.',
  },
  LOG_GROUP_EXISTS: {
    code: 'ResourceAlreadyExistsException',
    message: 'The specified log group already exists',
  },
  LOG_STREAM_EXISTS: {
    code: 'ResourceAlreadyExistsException',
    message: 'The specified log stream already exists',
  },
  LOG_LIMIT: ({ message }) => ({
    code: 'LimitExceededException',
    message: `Resource limit exceeded: ${message}.`,
  }),
  TOO_MANY_AT_ONCE: { code: 'ThrottlingException', message: 'Rate exceeded' },
  LOG_STORE_UNWRITABLE: ({ message }) => unavailable(message),
  // Its own words may tell where the cloud keeps its data.
  STORE_UNWRITABLE: unavailable('the disk of the cloud takes nothing now'),
  WAIT_GIVEN_UP: ({ message }) => unavailable(message),
};
