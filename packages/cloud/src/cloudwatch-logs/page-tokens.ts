import type { LogPosition } from '../ports/log-store.ts';
import { invalidParameter } from './errors.ts';

/** Where a page begins, and which way it goes from there. */
export interface PageStart {
  position: LogPosition;
  backward: boolean;
}

/** Tokens of pages: `f/` or `b/`, and the position that the page comes after. */
export const pageToken = {
  of: ({ position: { time, sequence }, backward }: PageStart) =>
    `${backward ? 'b' : 'f'}/${time.toString(36)}/${sequence}`,

  /** @throws InvalidParameterException */
  parse(token: string): PageStart {
    const [, direction, time, sequence] = /^([fb])\/([0-9a-z]{1,12})\/(-?\d{1,16})$/.exec(token) ?? [];
    if (!time || !sequence) throw invalidParameter('The specified nextToken is invalid.');
    return {
      position: { time: Number.parseInt(time, 36), sequence: Number(sequence) },
      backward: direction === 'b',
    };
  },
};

/** Where a list goes on: behind a name, or after so many. @throws InvalidParameterException */
export const listToken = {
  of: (after: string | number) => Buffer.from(String(after)).toString('base64url'),
  name: (token: string) => Buffer.from(token, 'base64url').toString(),
  count(token: string): number {
    const count = Number(listToken.name(token));
    if (!Number.isSafeInteger(count) || count < 0)
      throw invalidParameter('The specified nextToken is invalid.');
    return count;
  },
};
