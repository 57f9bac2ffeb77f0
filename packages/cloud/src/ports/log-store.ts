import { errorCatalogue } from '@ioto/runtime';
import type { Write } from './item-store.ts';

/** One line, as it is put. */
export interface LogEvent {
  /** Milliseconds since 1970, as the client has it. */
  timestamp: number;
  message: string;
}

export interface StoredLogEvent extends LogEvent {
  stream: string;
  /** Milliseconds since 1970. */
  ingestionTime: number;
  /** Its place in the group. */
  position: LogPosition;
}

/** Events of a group are in the order of their times, those of one time in the order of their arrival. */
export interface LogPosition {
  time: number;
  /** Grows with every event that arrives in the group; -1 stands before all of a time. */
  sequence: number;
}

export interface LogGroup {
  name: string;
  /** ULID: another group may have the name later. */
  id: string;
  /** Milliseconds since 1970. */
  created: number;
  /** Events are kept for ever where there is none. */
  retentionInDays?: number;
  /** Bytes on disk, as of the last time when events were packed. */
  storedBytes: number;
}

/** Times in milliseconds since 1970. */
export interface LogStream {
  name: string;
  created: number;
  firstEvent?: number;
  lastEvent?: number;
  lastIngestion?: number;
}

/** Which events are wanted by their text. */
export interface LogMatcher {
  match(message: string): boolean;
  /** What the last match has cost, in characters looked at: whoever asks it often has to let others have a turn. */
  spent?(): number;
  /**
   * Words of which a wanted event has at least one of each list; words are what the store's word rule makes of a text. It lets
   * most events be passed over unread.
   */
  readonly mustHave: readonly (readonly string[])[];
  /** Text that every wanted event has in it. */
  readonly literal?: string;
  /** Events are JSON, and might write the words as `\u0041`. */
  readonly ofJson: boolean;
}

export interface LogQuery {
  /** Only of these; of all when absent. */
  streams?: readonly string[];
  /** Only of streams with such names. */
  accepts?: (stream: string) => boolean;
  /** Milliseconds since 1970, inclusive. */
  from: number;
  /** Exclusive. */
  to: number;
  /** Latest first. */
  backward?: boolean;
  /** Only what comes behind this, in the direction of the query. */
  after?: LogPosition;
  matcher?: LogMatcher;
  /** How many events, and how many bytes of text, a page may have. */
  limit: number;
  bytes: number;
  /** Milliseconds after which a page ends with what was found. */
  budget: number;
  /** Ends the search when nobody waits for it any more. */
  signal?: AbortSignal;
}

export interface LogPage {
  /** In the direction of the query. */
  events: StoredLogEvent[];
  /** Present when there may be more: pass it as `after`. A page may be empty and have one. */
  next?: LogPosition;
}

export interface StreamsQuery {
  prefix?: string;
  /** By the time of their last events, not by name. */
  byLastEvent?: boolean;
  descending?: boolean;
  /** How many to pass over. */
  skip: number;
  limit: number;
}

export interface GroupsQuery {
  prefix?: string;
  /** Only names that have this in them, in any case. */
  containing?: string;
  /** Only names after this one. */
  after?: string;
  limit: number;
}

/** Told of events once they are durable. */
export type TailListener = (stream: string, events: readonly LogEvent[], ingestionTime: number) => void;

/**
 * Groups of log streams. Every name is within an account; what is put is durable when `put` resolves.
 *
 * @throws LOG_GROUP_UNKNOWN, LOG_STREAM_UNKNOWN (404) where a name is not there; LOG_STORE_UNWRITABLE (503, retryable) when
 * the disk refuses.
 */
export interface LogStore {
  /** @throws LOG_GROUP_EXISTS (409), LOG_LIMIT (409) */
  createGroup(accountId: string, name: string): Promise<void>;
  /** Removes it with its events; `also` is written in the same commit. */
  deleteGroup(accountId: string, name: string, also: readonly Write[]): Promise<void>;
  group(accountId: string, name: string): Promise<LogGroup>;
  groups(accountId: string, query: GroupsQuery): Promise<{ groups: LogGroup[]; next?: string }>;
  /** @param days undefined: for ever. */
  retain(accountId: string, name: string, days: number | undefined): Promise<void>;
  /** @throws LOG_STREAM_EXISTS (409), LOG_LIMIT (409) */
  createStream(accountId: string, group: string, name: string): Promise<void>;
  deleteStream(accountId: string, group: string, name: string): Promise<void>;
  streams(
    accountId: string,
    group: string,
    query: StreamsQuery,
  ): Promise<{ streams: LogStream[]; more: boolean }>;
  /** Events in the order of their times. */
  put(accountId: string, group: string, stream: string, events: readonly LogEvent[]): Promise<void>;
  /** @throws LOG_STREAM_UNKNOWN when one of the streams that are named is not there. */
  read(accountId: string, group: string, query: LogQuery): Promise<LogPage>;
  /** Tells of what arrives from now on. Returns the function that ends it. */
  tail(accountId: string, group: string, listener: TailListener): Promise<() => void>;
}

export const logStoreError = errorCatalogue({
  LOG_GROUP_UNKNOWN: { status: 404 },
  LOG_STREAM_UNKNOWN: { status: 404 },
  LOG_GROUP_EXISTS: { status: 409 },
  LOG_STREAM_EXISTS: { status: 409 },
  LOG_LIMIT: { status: 409 },
  LOG_STORE_UNWRITABLE: { status: 503, retryable: true },
});
