import type { Progress } from './session-records.ts';

/** What must be known of a stored session to change its records without reading them. */
export interface IndexedSession {
  /** Names it in keys. */
  readonly number: number;
  /** No delivery of a later sequence is on disk. */
  highest: number;
  /** Progress records that are on disk, by sequence: of messages that were sent later than they were queued. */
  readonly progress: Map<number, Progress>;
  /** Numbers of the shared messages that its deliveries refer to, by sequence. */
  readonly shared: Map<number, number>;
}

/** What is on disk, as far as changing it asks for it: a few bytes for each session and shared message. */
export class SessionIndex {
  /** By client ID. */
  readonly sessions = new Map<string, IndexedSession>();
  /** How many deliveries refer to each shared message. */
  readonly references = new Map<number, number>();
  /** Beyond every one that is on disk. */
  nextSession = 1;
  nextMessage = 1;
  /** Beyond every number of a message that a commit was tried with, which may be on disk although it was reported as failed. */
  triedMessage = 1;
}

export function newIndexedSession(number: number): IndexedSession {
  return { number, highest: 0, progress: new Map(), shared: new Map() };
}
