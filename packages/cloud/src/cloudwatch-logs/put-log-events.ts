import type { Clock } from '@ioto/runtime';
import type { AwsCaller } from '../aws-http/aws-caller.ts';
import { awsError } from '../aws-http/aws-error.ts';
import type { TokenBuckets } from '../limits/token-bucket.ts';
import type { LogEvent, LogStore } from '../ports/log-store.ts';
import { invalidParameter } from './errors.ts';
import { logNames } from './log-names.ts';
import type { LogRights } from './log-rights.ts';
import { notA, unsatisfied } from './parameters.ts';

/** Limits of CloudWatch Logs, in bytes, events and milliseconds. */
export const putLimits = {
  batch: 1_048_576,
  /** Counted for each event beside its text. */
  overhead: 26,
  event: 262_144,
  events: 10_000,
  span: 24 * 3_600_000,
  ahead: 2 * 3_600_000,
  behind: 14 * 86_400_000,
};

/** Told of events that were put, once they are durable; who listens must not throw, and takes its time elsewhere. */
export type LogListener = (put: {
  caller: AwsCaller;
  group: string;
  stream: string;
  events: readonly LogEvent[];
}) => void;

export interface PutLogEventsOptions {
  store: LogStore;
  rights: LogRights;
  /** Bytes by account. */
  rate: TokenBuckets;
  listeners: readonly LogListener[];
  clock: Clock;
}

interface Rejected {
  tooNewLogEventStartIndex?: number;
  tooOldLogEventEndIndex?: number;
  expiredLogEventEndIndex?: number;
}

/** PutLogEvents: answered when the events are durable. */
export class PutLogEvents {
  readonly #options: PutLogEventsOptions;

  constructor(options: PutLogEventsOptions) {
    this.#options = options;
  }

  async handle(input: Readonly<Record<string, unknown>>, caller: AwsCaller): Promise<object> {
    const { store, rights, rate, listeners, clock } = this.#options;
    const group = logNames.group(input);
    const stream = logNames.stream(input);
    rights.toWrite(caller, 'PutLogEvents', group, stream);
    const events = eventsOf(input.logEvents);
    const bytes = checkBatch(events);
    const { retentionInDays } = await store.group(caller.accountId, group);
    if (rate.take(caller.accountId, bytes) > 0) throw awsError('ThrottlingException', 'Rate exceeded');
    const { accepted, rejected } = inTime(events, clock.now(), retentionInDays);
    await store.put(caller.accountId, group, stream, accepted);
    if (accepted.length > 0) {
      for (const tell of listeners) tell({ caller, group, stream, events: accepted });
    }
    return {
      // Nobody needs it any more; clients of old still hand it back.
      nextSequenceToken: String(clock.now()).padStart(56, '0'),
      ...(Object.keys(rejected).length > 0 ? { rejectedLogEventsInfo: rejected } : {}),
    };
  }
}

/** @throws InvalidParameterException, SerializationException */
function eventsOf(given: unknown): LogEvent[] {
  if (given === undefined || given === null)
    throw unsatisfied('null', 'logEvents', 'Member must not be null');
  if (!Array.isArray(given)) throw notA('list', 'logEvents');
  if (given.length === 0) {
    throw unsatisfied('[]', 'logEvents', 'Member must have length greater than or equal to 1');
  }
  if (given.length > putLimits.events) {
    throw unsatisfied(
      `${given.length} events`,
      'logEvents',
      `Member must have length less than or equal to ${putLimits.events}`,
    );
  }
  return given.map((event: unknown, index) => {
    const { timestamp, message } = (event ?? {}) as Partial<Record<keyof LogEvent, unknown>>;
    const name = `logEvents.${index + 1}.member`;
    if (timestamp === undefined || timestamp === null) {
      throw unsatisfied('null', `${name}.timestamp`, 'Member must not be null');
    }
    if (message === undefined || message === null) {
      throw unsatisfied('null', `${name}.message`, 'Member must not be null');
    }
    if (typeof message !== 'string') throw notA('string', `${name}.message`);
    if (typeof timestamp !== 'number' || !Number.isSafeInteger(timestamp)) {
      throw notA('whole number', `${name}.timestamp`);
    }
    if (timestamp < 0) {
      throw unsatisfied(timestamp, `${name}.timestamp`, 'Member must have value greater than or equal to 0');
    }
    if (message === '') {
      throw unsatisfied('', `${name}.message`, 'Member must have length greater than or equal to 1');
    }
    return { timestamp, message };
  });
}

/** Bytes of the batch as they are counted. @throws InvalidParameterException */
function checkBatch(events: readonly LogEvent[]): number {
  let bytes = 0;
  let before = Number.NEGATIVE_INFINITY;
  for (const { timestamp, message } of events) {
    const size = Buffer.byteLength(message) + putLimits.overhead;
    if (size > putLimits.event) {
      throw invalidParameter(`Log event too large: ${size} bytes exceeds limit of ${putLimits.event}`);
    }
    if (timestamp < before) {
      throw invalidParameter('Log events in a single PutLogEvents request must be in chronological order.');
    }
    before = timestamp;
    bytes += size;
  }
  if (bytes > putLimits.batch) {
    throw invalidParameter(`Upload too large: ${bytes} bytes exceeds limit of ${putLimits.batch}`);
  }
  if (before - (events[0]?.timestamp ?? before) > putLimits.span) {
    throw invalidParameter(
      'The batch of log events in a single PutLogEvents request cannot span more than 24 hours.',
    );
  }
  return bytes;
}

/** Events are in order: those that come too late or too early are at the ends. */
function inTime(
  events: readonly LogEvent[],
  now: number,
  days: number | undefined,
): { accepted: readonly LogEvent[]; rejected: Rejected } {
  const firstAfter = (time: number) => {
    const index = events.findIndex(({ timestamp }) => timestamp >= time);
    return index < 0 ? events.length : index;
  };
  const old = firstAfter(now - putLimits.behind);
  const expired = days === undefined ? 0 : firstAfter(now - days * 86_400_000);
  const tooNew = firstAfter(now + putLimits.ahead + 1);
  return {
    accepted: events.slice(Math.max(old, expired), tooNew),
    rejected: {
      ...(old > 0 ? { tooOldLogEventEndIndex: old } : {}),
      ...(expired > old ? { expiredLogEventEndIndex: expired } : {}),
      ...(tooNew < events.length ? { tooNewLogEventStartIndex: tooNew } : {}),
    },
  };
}
