import type { LogMatcher } from '../../ports/log-store.ts';
import type { Work } from './work.ts';

/** A pattern as it was read: what it costs is counted by whoever asks it. */
export interface Pattern extends Omit<LogMatcher, 'match' | 'spent'> {
  match(message: string, work: Work): boolean;
}
