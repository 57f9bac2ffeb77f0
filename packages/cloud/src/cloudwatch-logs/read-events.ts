import type { FastifyRequest } from 'fastify';
import type { AwsCaller } from '../aws-http/aws-caller.ts';
import type { LogPage, LogPosition, LogQuery, StoredLogEvent } from '../ports/log-store.ts';
import { invalidParameter } from './errors.ts';
import { compilePattern } from './filter-pattern/compile.ts';
import { logNames } from './log-names.ts';
import { isOwnStream, type LogRights } from './log-rights.ts';
import { type LogSearches, readLimits } from './log-searches.ts';
import { pageToken } from './page-tokens.ts';
import { optionalFlag, optionalInteger, optionalText, optionalTexts } from './parameters.ts';

const ANY_TIME = { least: 0, most: Number.MAX_SAFE_INTEGER };
const TOKEN = { longest: 2048 };

export interface ReadEventsOptions {
  searches: LogSearches;
  rights: LogRights;
  region: () => string;
}

type Input = Readonly<Record<string, unknown>>;

/** GetLogEvents and FilterLogEvents. */
export class ReadEvents {
  readonly #options: ReadEventsOptions;

  constructor(options: ReadEventsOptions) {
    this.#options = options;
  }

  /** The latest events of a stream, or a page before or after a token; always the oldest first. */
  async get(input: Input, caller: AwsCaller, request?: FastifyRequest): Promise<object> {
    const group = this.#group(input, caller);
    const stream = logNames.stream(input);
    this.#options.rights.toRead(caller, 'GetLogEvents', group, [stream]);
    const { from, to, limit } = spanOf(input, { endIsExclusive: true });
    const token = optionalText(input, 'nextToken', TOKEN);
    const start = token === undefined ? undefined : pageToken.parse(token);
    const backward = start ? start.backward : optionalFlag(input, 'startFromHead') !== true;
    const page = await this.#read(caller, group, request, {
      ...{ streams: [stream], from, to, limit, backward, after: start?.position },
    });
    const events = backward ? [...page.events].reverse() : page.events;
    const { before, behind } = edgesOf(
      events,
      page.next,
      backward,
      start?.position ?? { time: from, sequence: -1 },
    );
    return {
      events: events.map(({ timestamp, message, ingestionTime }) => ({ timestamp, message, ingestionTime })),
      nextForwardToken: pageToken.of({ position: behind, backward: false }),
      nextBackwardToken: pageToken.of({ position: before, backward: true }),
    };
  }

  async filter(input: Input, caller: AwsCaller, request?: FastifyRequest): Promise<object> {
    const group = this.#group(input, caller);
    const streams = optionalTexts(input, 'logStreamNames', { ...logNames.streamRule, most: 100 });
    const streamPrefix = logNames.streamPrefix(input);
    if (streams && streamPrefix !== undefined) {
      throw invalidParameter('logStreamNames and logStreamNamePrefix cannot be given both');
    }
    const named = streams ?? (streamPrefix === undefined ? [] : [streamPrefix]);
    this.#options.rights.toRead(caller, 'FilterLogEvents', group, named);
    const matcher = compilePattern(
      optionalText(input, 'filterPattern', { longest: 1024, shortest: 0 }) ?? '',
    );
    const token = optionalText(input, 'nextToken', TOKEN);
    const start = token === undefined ? undefined : pageToken.parse(token);
    const backward = start ? start.backward : optionalFlag(input, 'startFromHead') === false;
    const page = await this.#read(caller, group, request, {
      ...spanOf(input, { endIsExclusive: false }),
      ...streamsBegin(caller, streamPrefix),
      ...{ streams, backward, matcher, after: start?.position },
    });
    return {
      events: page.events.map(told),
      // Deprecated: it says that all streams were searched.
      searchedLogStreams: [],
      ...(page.next ? { nextToken: pageToken.of({ position: page.next, backward }) } : {}),
    };
  }

  #group(input: Input, { accountId }: AwsCaller): string {
    return logNames.groupOrArn(input, { region: this.#options.region(), accountId });
  }

  #read(
    { accountId }: AwsCaller,
    group: string,
    request: FastifyRequest | undefined,
    query: Omit<LogQuery, 'bytes' | 'budget'>,
  ): Promise<LogPage> {
    return this.#options.searches.read(accountId, group, { ...query, signal: request?.gone });
  }
}

/** Streams by the beginning of their names. A device that names its ID means its own, not those of a device with a longer one. */
function streamsBegin(caller: AwsCaller, prefix: string | undefined): Pick<LogQuery, 'accepts'> {
  if (prefix === undefined) return {};
  const isShown = (stream: string) => caller.kind === 'tool' || isOwnStream(caller.deviceId, stream);
  return { accepts: (stream) => stream.startsWith(prefix) && isShown(stream) };
}

function spanOf(input: Input, { endIsExclusive }: { endIsExclusive: boolean }) {
  const from = optionalInteger(input, 'startTime', ANY_TIME) ?? 0;
  const end = optionalInteger(input, 'endTime', ANY_TIME);
  const limit = optionalInteger(input, 'limit', { least: 1, most: readLimits.events }) ?? readLimits.events;
  if (end !== undefined && end < from) throw invalidParameter('endTime must not be before startTime');
  const to = end === undefined ? Number.MAX_SAFE_INTEGER : endIsExclusive ? end : end + 1;
  return { from, to, limit };
}

/** The positions that the pages before and behind go on from. At an end it is the one that the page was asked with. */
function edgesOf(
  events: readonly StoredLogEvent[],
  next: LogPosition | undefined,
  backward: boolean,
  start: LogPosition,
): { before: LogPosition; behind: LogPosition } {
  const before = events[0]?.position ?? start;
  const behind = events.at(-1)?.position ?? start;
  if (!next) return { before, behind };
  return backward ? { before: next, behind } : { before, behind: next };
}

function told({ stream, timestamp, message, ingestionTime, position }: StoredLogEvent) {
  const eventId = `${position.time}${String(position.sequence).padStart(16, '0')}`.padStart(56, '0');
  return { logStreamName: stream, timestamp, message, ingestionTime, eventId };
}
