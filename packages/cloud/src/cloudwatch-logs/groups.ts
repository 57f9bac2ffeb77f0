import type { AuditLog } from '../audit/audit-log.ts';
import type { AwsCaller } from '../aws-http/aws-caller.ts';
import type { LogGroup, LogStore, LogStream } from '../ports/log-store.ts';
import { invalidParameter } from './errors.ts';
import { logNames, type Place } from './log-names.ts';
import { isOwnStream, type LogRights } from './log-rights.ts';
import { listToken } from './page-tokens.ts';
import { optionalFlag, optionalInteger, optionalText, unsatisfied } from './parameters.ts';

type Input = Readonly<Record<string, unknown>>;

/** Days that events may be kept, as CloudWatch has them. */
export const RETENTION_DAYS: readonly number[] = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

const PAGE = { least: 1, most: 50 };
const TOKEN = { longest: 4096 };

export interface GroupsOptions {
  store: LogStore;
  rights: LogRights;
  audit: AuditLog;
  region: () => string;
}

/** What is done with log groups and streams, beside their events. */
export class Groups {
  readonly #options: GroupsOptions;

  constructor(options: GroupsOptions) {
    this.#options = options;
  }

  /** Tags are taken and mean nothing here. */
  async createGroup(input: Input, caller: AwsCaller): Promise<object> {
    const group = logNames.group(input);
    await this.#options.rights.toCreateGroup(caller, group);
    const kind = optionalText(input, 'logGroupClass', { longest: 64 }) ?? 'STANDARD';
    if (kind !== 'STANDARD') throw unsatisfied(kind, 'logGroupClass', 'Member must be STANDARD here');
    if (input.kmsKeyId !== undefined)
      throw invalidParameter('kmsKeyId: keys of one’s own are not taken here');
    await this.#options.store.createGroup(caller.accountId, group);
    return {};
  }

  async deleteGroup(input: Input, caller: AwsCaller): Promise<object> {
    const group = logNames.group(input);
    const { rights } = this.#options;
    rights.toManage(caller, 'admin', 'DeleteLogGroup', group);
    await this.remove(caller.accountId, group, actorOf(caller));
    return {};
  }

  /** Removes a group with its events, and records who did. */
  async remove(accountId: string, group: string, actor: string): Promise<void> {
    const { store, audit } = this.#options;
    const entry = audit.entry(
      { accountId },
      { action: 'log-group.removed', actor, accountId, details: { group } },
    );
    await store.deleteGroup(accountId, group, [entry]);
  }

  async createStream(input: Input, caller: AwsCaller): Promise<object> {
    const [group, stream] = [logNames.group(input), logNames.stream(input)];
    this.#options.rights.toWrite(caller, 'CreateLogStream', group, stream);
    await this.#options.store.createStream(caller.accountId, group, stream);
    return {};
  }

  async deleteStream(input: Input, caller: AwsCaller): Promise<object> {
    const [group, stream] = [logNames.group(input), logNames.stream(input)];
    this.#options.rights.toManage(caller, 'admin', 'DeleteLogStream', group);
    await this.#options.store.deleteStream(caller.accountId, group, stream);
    return {};
  }

  async putRetention(input: Input, caller: AwsCaller): Promise<object> {
    const group = logNames.group(input);
    this.#options.rights.toManage(caller, 'admin', 'PutRetentionPolicy', group);
    const days = optionalInteger(input, 'retentionInDays', { least: 1, most: Number.MAX_SAFE_INTEGER });
    if (days === undefined) throw unsatisfied('null', 'retentionInDays', 'Member must not be null');
    if (!RETENTION_DAYS.includes(days)) {
      throw unsatisfied(
        days,
        'retentionInDays',
        `Member must satisfy enum value set: [${RETENTION_DAYS.join(', ')}]`,
      );
    }
    await this.#options.store.retain(caller.accountId, group, days);
    return {};
  }

  async deleteRetention(input: Input, caller: AwsCaller): Promise<object> {
    const group = logNames.group(input);
    this.#options.rights.toManage(caller, 'admin', 'DeleteRetentionPolicy', group);
    await this.#options.store.retain(caller.accountId, group, undefined);
    return {};
  }

  async describeGroups(input: Input, caller: AwsCaller): Promise<object> {
    this.#options.rights.toManage(caller, 'viewer', 'DescribeLogGroups');
    const prefix = logNames.groupPrefix(input);
    const containing = logNames.groupPattern(input);
    if (prefix !== undefined && containing !== undefined) {
      throw invalidParameter('logGroupNamePrefix and logGroupNamePattern cannot be given both');
    }
    const token = optionalText(input, 'nextToken', TOKEN);
    const { groups, next } = await this.#options.store.groups(caller.accountId, {
      ...{ prefix, containing },
      after: token === undefined ? undefined : listToken.name(token),
      limit: optionalInteger(input, 'limit', PAGE) ?? PAGE.most,
    });
    const place = this.#place(caller);
    return {
      logGroups: groups.map((group) => groupTold(group, place)),
      ...(next === undefined ? {} : { nextToken: listToken.of(next) }),
    };
  }

  async describeStreams(input: Input, caller: AwsCaller): Promise<object> {
    const place = this.#place(caller);
    const group = logNames.groupOrArn(input, place);
    const prefix = logNames.streamPrefix(input);
    this.#options.rights.toRead(caller, 'DescribeLogStreams', group, prefix === undefined ? [] : [prefix]);
    const orderBy = optionalText(input, 'orderBy', { longest: 64 }) ?? 'LogStreamName';
    if (!['LogStreamName', 'LastEventTime'].includes(orderBy)) {
      throw unsatisfied(
        orderBy,
        'orderBy',
        'Member must satisfy enum value set: [LogStreamName, LastEventTime]',
      );
    }
    const byLastEvent = orderBy === 'LastEventTime';
    if (byLastEvent && prefix !== undefined) {
      throw invalidParameter('Cannot order by LastEventTime with a logStreamNamePrefix.');
    }
    const token = optionalText(input, 'nextToken', TOKEN);
    const skip = token === undefined ? 0 : listToken.count(token);
    const limit = optionalInteger(input, 'limit', PAGE) ?? PAGE.most;
    const descending = optionalFlag(input, 'descending');
    const query = { prefix, byLastEvent, descending, skip, limit };
    const { streams, more } = await this.#options.store.streams(caller.accountId, group, query);
    const shown = streams.filter(({ name }) => caller.kind === 'tool' || isOwnStream(caller.deviceId, name));
    return {
      logStreams: shown.map((stream) => streamTold(stream, group, place)),
      ...(more ? { nextToken: listToken.of(skip + limit) } : {}),
    };
  }

  #place({ accountId }: AwsCaller): Place {
    return { region: this.#options.region(), accountId };
  }
}

function actorOf(caller: AwsCaller): string {
  if (caller.kind === 'device') return `device:${caller.deviceId}`;
  const { sponsor } = caller;
  if (sponsor.by === 'login') return `user:${sponsor.userId}`;
  return sponsor.by === 'apiToken' ? `token:${sponsor.tokenId}` : 'admin';
}

function groupTold({ name, created, retentionInDays, storedBytes }: LogGroup, place: Place) {
  const arn = logNames.groupArn(place, name);
  return {
    logGroupName: name,
    creationTime: created,
    ...(retentionInDays === undefined ? {} : { retentionInDays }),
    metricFilterCount: 0,
    arn: `${arn}:*`,
    storedBytes,
    logGroupClass: 'STANDARD',
    logGroupArn: arn,
  };
}

function streamTold(
  { name, created, firstEvent, lastEvent, lastIngestion }: LogStream,
  group: string,
  place: Place,
) {
  return {
    logStreamName: name,
    creationTime: created,
    ...(firstEvent === undefined ? {} : { firstEventTimestamp: firstEvent, lastEventTimestamp: lastEvent }),
    ...(lastIngestion === undefined ? {} : { lastIngestionTime: lastIngestion }),
    uploadSequenceToken: '1',
    arn: logNames.streamArn(place, group, name),
    // CloudWatch says 0 of every stream.
    storedBytes: 0,
  };
}
