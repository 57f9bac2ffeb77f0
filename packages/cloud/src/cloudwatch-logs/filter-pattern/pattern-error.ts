import { awsError } from '../../aws-http/aws-error.ts';

/** @param at place in the pattern, in characters. */
export function patternError(problem: string, at?: number): Error {
  const where = at === undefined ? '' : ` at character ${at + 1}`;
  return awsError('InvalidParameterException', `Invalid filter pattern: ${problem}${where}`);
}
