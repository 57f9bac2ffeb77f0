import { named } from '../aws-http/aws-words.ts';
import type { AwsOperation, JsonTarget } from '../aws-http/json-target.ts';
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
        { handle: (...asked) => named(LOG_NAMES, () => handle(...asked)) },
      ]),
    ),
  };
}
