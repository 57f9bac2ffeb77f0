import type { CodedError } from '@ioto/runtime';
import { awsError } from '../aws-http/aws-error.ts';

/** Names of CloudWatch's errors, and what they are called in its older query protocol. */
const QUERY_CODES = {
  InvalidParameterValueException: 'InvalidParameterValue',
  InvalidParameterCombinationException: 'InvalidParameterCombination',
  MissingRequiredParameterException: 'MissingParameter',
  LimitExceededFault: 'LimitExceeded',
  InvalidNextToken: 'InvalidNextToken',
  ValidationException: 'ValidationError',
  ThrottlingException: 'Throttling',
} as const;

export function cloudWatchError(code: keyof typeof QUERY_CODES, message: string): CodedError {
  return awsError(code, message, { details: { queryCode: QUERY_CODES[code] } });
}

export function invalid(message: string): CodedError {
  return cloudWatchError('InvalidParameterValueException', message);
}

export function missing(name: string): CodedError {
  return cloudWatchError('MissingRequiredParameterException', `The parameter ${name} is required.`);
}
