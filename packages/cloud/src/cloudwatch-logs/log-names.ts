import { invalidParameter } from './errors.ts';
import { optionalText, requiredText, unsatisfied } from './parameters.ts';

type Input = Readonly<Record<string, unknown>>;

const GROUP = { longest: 512, pattern: /^[.\-_/#A-Za-z0-9]+$/ };
/** Control characters beside what CloudWatch refuses: they have no business in a name. */
const STREAM = { longest: 512, pattern: /^[^:*\x00-\x1f\x7f]+$/ };
const ARN = { longest: 2048 };

/** Where names are: they have the account and the region in front in an ARN. */
export interface Place {
  region: string;
  accountId: string;
}

/** Names of log groups and streams, and the ARNs that stand for them. */
export const logNames = {
  group: (input: Input) => requiredText(input, 'logGroupName', GROUP),
  stream: (input: Input) => requiredText(input, 'logStreamName', STREAM),
  streamRule: STREAM,
  groupPrefix: (input: Input) => optionalText(input, 'logGroupNamePrefix', GROUP),
  groupPattern: (input: Input) => optionalText(input, 'logGroupNamePattern', { ...GROUP, shortest: 0 }),
  streamPrefix: (input: Input) => optionalText(input, 'logStreamNamePrefix', STREAM),

  /** By `logGroupName`, or by `logGroupIdentifier`, which may be an ARN. */
  groupOrArn(input: Input, place: Place): string {
    const name = optionalText(input, 'logGroupName', GROUP);
    const identifier = optionalText(input, 'logGroupIdentifier', ARN);
    if (name !== undefined && identifier !== undefined) {
      throw invalidParameter('logGroupName and logGroupIdentifier cannot be given both');
    }
    if (identifier !== undefined) return logNames.groupOf(identifier, 'logGroupIdentifier', place);
    return name ?? logNames.group(input);
  },

  /** The name of a group in an ARN, or the name itself. */
  groupOf(identifier: string, parameter: string, { region, accountId }: Place): string {
    const own = `arn:aws:logs:${region}:${accountId}:log-group:`;
    const name = identifier.startsWith(own) ? identifier.slice(own.length).replace(/:\*$/, '') : identifier;
    if (name.startsWith('arn:')) {
      throw invalidParameter(
        `${parameter}: the log group ${name.slice(0, 200)} is not of this account and region`,
      );
    }
    if (name.length > GROUP.longest || !GROUP.pattern.test(name)) {
      throw unsatisfied(
        name,
        parameter,
        `Member must satisfy regular expression pattern: ${GROUP.pattern.source}`,
      );
    }
    return name;
  },

  groupArn: ({ region, accountId }: Place, name: string) =>
    `arn:aws:logs:${region}:${accountId}:log-group:${name}`,
  streamArn: (place: Place, group: string, stream: string) =>
    `${logNames.groupArn(place, group)}:log-stream:${stream}`,
};
