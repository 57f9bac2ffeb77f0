import { isCodedError } from '@ioto/runtime';
import type { Stage } from './journal.ts';

/** Downloads that break off, or URLs that hold no longer, in a row without a byte more, until the next check-in. */
export const MOST_BROKEN = 8;

/** How an update goes on after a failure. */
export type Recovery =
  /** It is over. */
  | 'give-up'
  /** The image is wrong: it is fetched anew, a few times. */
  | 'fetch-anew'
  /** What had come before was wrong, which is nobody's fault. */
  | 'begin-anew'
  /** The script is run again later, a few times. */
  | 'apply-later'
  /** Applying has not begun: it is begun later. */
  | 'wait'
  /** The cloud is asked for another URL. */
  | 'renew-url'
  /** The download goes on in a moment, from where it is. */
  | 'go-on'
  /** The owner hears of it, and nothing is tried before the next check-in. */
  | 'leave';

const BY_CODE: Readonly<Record<string, Recovery>> = {
  UPDATE_UNSIGNED: 'give-up',
  UPDATE_SIGNATURE: 'give-up',
  UPDATE_DOWNGRADE: 'give-up',
  UPDATE_TOO_LARGE: 'give-up',
  UPDATE_CHECKSUM: 'fetch-anew',
  UPDATE_SCRIPT: 'apply-later',
  UPDATE_NO_SCRIPT: 'leave',
  UPDATE_NO_ROOM: 'leave',
};

/**
 * @param broken how often a download broke off in a row
 * @param stage of the update
 */
export function recoveryOf(error: unknown, broken: number, stage: Stage = 'downloading'): Recovery {
  const code = isCodedError(error) ? error.code : '';
  if (code === 'UPDATE_CHECKSUM' && isCodedError(error) && error.details?.resumed === true)
    return 'begin-anew';
  const known = BY_CODE[code];
  if (known) return known;
  if (code !== 'UPDATE_URL' && stage === 'ready') return 'wait';
  if (code !== 'UPDATE_URL' && stage === 'applying') return 'apply-later';
  if (broken >= MOST_BROKEN) return 'leave';
  return code === 'UPDATE_URL' ? 'renew-url' : 'go-on';
}
