import { awsError } from '../aws-http/aws-error.ts';

/** The place to go on from, as what a caller hands back. */
export function toToken(last: string): string {
  return Buffer.from(last).toString('base64url');
}

/** @throws InvalidRequestException for what no page ever gave out. */
export function fromToken(token: unknown): string | undefined {
  if (token === undefined) return undefined;
  const last = Buffer.from(String(token), 'base64url').toString();
  if (last === '' || toToken(last) !== token) throw invalid('nextToken is not one of an earlier answer');
  return last;
}

/** @throws InvalidRequestException */
export function pageSizeOf(name: string, text: unknown, most: number): number {
  if (text === undefined) return most;
  const size = typeof text === 'string' && /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (size < 1 || size > most) throw invalid(`${name} must be a number from 1 to ${most}`);
  return size;
}

function invalid(message: string) {
  return awsError('InvalidRequestException', message);
}
