import { named } from '../aws-http/aws-words.ts';
import type { AwsOperation, InputLimits, JsonTarget } from '../aws-http/json-target.ts';
import { LOG_NAMES } from './errors.ts';
import type { Groups } from './groups.ts';
import type { LiveTail } from './live-tail.ts';
import type { PutLogEvents } from './put-log-events.ts';
import type { ReadEvents } from './read-events.ts';

export interface Operations {
  groups: Groups;
  put: PutLogEvents;
  read: ReadEvents;
  tail: LiveTail;
}

/**
 * What takes more than a few names. A batch of a megabyte of text in ten thousand events has six megabytes and a half of JSON where
 * every letter is written as an escape.
 */
const LIMITS: Readonly<Record<string, InputLimits>> = {
  PutLogEvents: { bytes: 7 * 1024 * 1024, values: 50_000 },
  FilterLogEvents: { bytes: 256 * 1024, values: 5000 },
  DescribeLogGroups: { bytes: 256 * 1024, values: 5000 },
  StartLiveTail: { bytes: 256 * 1024, values: 5000 },
};

/** CloudWatch Logs (API version 2014-03-28), as far as it is served. */
export function logsTarget({ groups, put, read, tail }: Operations): JsonTarget {
  const operations: Record<string, AwsOperation['handle']> = {
    CreateLogGroup: (input, caller) => groups.createGroup(input, caller),
    DeleteLogGroup: (input, caller) => groups.deleteGroup(input, caller),
    DescribeLogGroups: (input, caller) => groups.describeGroups(input, caller),
    PutRetentionPolicy: (input, caller) => groups.putRetention(input, caller),
    DeleteRetentionPolicy: (input, caller) => groups.deleteRetention(input, caller),
    CreateLogStream: (input, caller) => groups.createStream(input, caller),
    DeleteLogStream: (input, caller) => groups.deleteStream(input, caller),
    DescribeLogStreams: (input, caller) => groups.describeStreams(input, caller),
    PutLogEvents: (input, caller) => put.handle(input, caller),
    GetLogEvents: (input, caller, request) => read.get(input, caller, request),
    FilterLogEvents: (input, caller, request) => read.filter(input, caller, request),
    StartLiveTail: (input, caller, request, objection) => tail.start(input, caller, objection, request),
  };
  return {
    ...{ prefix: 'Logs_20140328', version: '1.1', signingName: 'logs' },
    operations: Object.fromEntries(
      Object.entries(operations).map(([name, handle]) => [
        name,
        {
          ...(LIMITS[name] ? { limits: LIMITS[name] } : {}),
          handle: (...asked) => named(LOG_NAMES, () => handle(...asked)),
        },
      ]),
    ),
  };
}
