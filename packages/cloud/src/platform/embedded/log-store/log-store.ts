import type { FileLayer } from '@ioto/database';
import { type Clock, type Component, type Logger, newUlid, Recurring } from '@ioto/runtime';
import { Turns } from '../../../devices/turns.ts';
import type { ItemStore, Write } from '../../../ports/item-store.ts';
import {
  type GroupsQuery,
  type LogEvent,
  type LogGroup,
  type LogPage,
  type LogQuery,
  type LogStore,
  type LogStream,
  logStoreError,
  type StreamsQuery,
  type TailListener,
} from '../../../ports/log-store.ts';
import { BlockReader } from './block-reader.ts';
import { DiskRoom, type DiskSize, diskSize } from './disk-room.ts';
import { arrivalOf } from './event-columns.ts';
import type { GroupLogLimits } from './group-log.ts';
import { type Hit, prepare } from './hits.ts';
import { LogQuota } from './log-quota.ts';
import { LogRecords, type StreamRecord } from './log-records.ts';
import type { OpenGroup } from './open-group.ts';
import { OpenGroups } from './open-groups.ts';
import { oldestOf } from './retention.ts';
import { Sweep } from './sweep.ts';

export interface LogStoreLimits {
  groups: number;
  streams: number;
}

const limits: LogStoreLimits = { groups: 1000, streams: 10_000 };

/** Milliseconds between two looks for what is to be removed, packed or closed. */
const TIDY_EVERY = 10 * 60_000;

export interface EmbeddedLogStoreOptions {
  directory: string;
  files: FileLayer;
  store: ItemStore;
  clock: Clock;
  logger: Logger;
  limits?: Partial<LogStoreLimits>;
  groupLimits?: Partial<GroupLogLimits>;
  /** Bytes of memory for events of all groups; default 64 MB. */
  memory?: number;
  /** Bytes of packed events that an account may keep; default 10 GiB. */
  quota?: number;
  /** Default: of the real disk. */
  diskSize?: DiskSize;
}

/** The LogStore in files of its own, a directory for each group; what is known of groups and streams is in the ItemStore. */
export class EmbeddedLogStore implements LogStore, Component {
  readonly name = 'log store';
  readonly #options: EmbeddedLogStoreOptions;
  readonly #limits: LogStoreLimits;
  readonly #records: LogRecords;
  readonly #groups: OpenGroups;
  readonly #reader: BlockReader;
  readonly #room: DiskRoom;
  readonly #quota: LogQuota;
  readonly #turns = new Turns();
  readonly #tidying: Recurring;

  constructor(options: EmbeddedLogStoreOptions) {
    this.#options = options;
    this.#limits = { ...limits, ...options.limits };
    this.#records = new LogRecords(options.store);
    this.#reader = new BlockReader(options.logger);
    const { directory, clock, logger, diskSize: look = diskSize } = options;
    this.#room = new DiskRoom({ directory, clock, logger, look });
    this.#quota = new LogQuota(this.#records, options.quota);
    this.#groups = new OpenGroups({
      ...options,
      ...{ records: this.#records, quota: this.#quota, limits: options.groupLimits },
    });
    this.#tidying = new Recurring({
      ...{ name: 'tidying of logs', every: TIDY_EVERY, clock, logger },
      failure: 'cannot tidy the logs',
      turn: () => this.tidy(),
    });
  }

  /** Clears up what the removal of a group has left when the power failed. */
  async start(): Promise<void> {
    await this.#groups.start();
    await this.#tidying.start();
  }

  async stop(): Promise<void> {
    await this.#tidying.stop();
    await this.#groups.closeAll();
  }

  /** Removes what is past its retention, packs what waits too long, and closes groups that nobody uses. */
  tidy(): Promise<void> {
    return this.#groups.tidy();
  }

  async createGroup(accountId: string, name: string): Promise<void> {
    await this.#turns.run(accountId, async () => {
      if (await this.#records.group(accountId, name)) {
        throw logStoreError('LOG_GROUP_EXISTS', 'the log group is there already');
      }
      const { groups } = this.#limits;
      if ((await this.#records.countGroups(accountId, groups)) >= groups) {
        throw logStoreError('LOG_LIMIT', `an account may have ${groups} log groups`);
      }
      const now = this.#options.clock.now();
      const record = { name, id: newUlid(now), created: now, storedBytes: 0, nextStream: 1 };
      await this.#records.addGroup(accountId, record);
    });
  }

  async deleteGroup(accountId: string, name: string, also: readonly Write[]): Promise<void> {
    await this.#turns.run(accountId, async () => {
      const record = await this.#records.requireGroup(accountId, name);
      await this.#records.removeGroup(accountId, name, also);
      await this.#groups.remove(accountId, record.id);
    });
  }

  async group(accountId: string, name: string): Promise<LogGroup> {
    const { nextStream: _, ...group } = await this.#records.requireGroup(accountId, name);
    return group;
  }

  groups(accountId: string, query: GroupsQuery): Promise<{ groups: LogGroup[]; next?: string }> {
    return this.#records.groups(accountId, query);
  }

  async retain(accountId: string, name: string, days: number | undefined): Promise<void> {
    await this.#records.requireGroup(accountId, name);
    await this.#records.changeGroup(accountId, name, ({ retentionInDays: _, ...record }) =>
      days === undefined ? record : { ...record, retentionInDays: days },
    );
  }

  async createStream(accountId: string, group: string, name: string): Promise<void> {
    await this.#groups.use(accountId, group, (open) =>
      this.#turns.run(open.options.id, async () => {
        if (open.stream(name)) throw logStoreError('LOG_STREAM_EXISTS', 'the log stream is there already');
        const { streams } = this.#limits;
        if (open.streamCount >= streams) {
          throw logStoreError('LOG_LIMIT', `a log group may have ${streams} log streams`);
        }
        const { nextStream } = await this.#records.requireGroup(accountId, group);
        await open.addStream(name, nextStream, this.#options.clock.now());
      }),
    );
  }

  async deleteStream(accountId: string, group: string, name: string): Promise<void> {
    await this.#groups.use(accountId, group, (open) =>
      this.#turns.run(open.options.id, () => open.removeStream(requireStream(open, name))),
    );
  }

  streams(
    accountId: string,
    group: string,
    query: StreamsQuery,
  ): Promise<{ streams: LogStream[]; more: boolean }> {
    return this.#groups.use(accountId, group, async (open) => {
      const found = open.list({ ...query, limit: query.limit + 1 });
      const streams = found.slice(0, query.limit).map(({ number: _, ...stream }) => stream);
      return { streams, more: found.length > query.limit };
    });
  }

  async put(accountId: string, group: string, stream: string, events: readonly LogEvent[]): Promise<void> {
    if (events.length > 0) {
      await this.#room.require();
      await this.#quota.require(accountId);
      await this.#groups.requireMemory();
    }
    await this.#groups.use(accountId, group, async (open) => {
      await open.put(requireStream(open, stream), events);
      this.#groups.keepWithinMemory();
    });
  }

  read(accountId: string, group: string, query: LogQuery): Promise<LogPage> {
    return this.#groups.use(accountId, group, async (open, record) => {
      const { matcher, limit, bytes, budget, signal, after, from, to, backward = false } = query;
      const streams = streamsOf(open, query, record.nextStream - 1);
      if (streams?.size === 0) return { events: [] };
      const oldest = oldestOf(record.retentionInDays, this.#options.clock.now()) ?? from;
      const sweep = new Sweep({
        ...{ view: open.log.view, reader: this.#reader, limit, bytes, budget, signal },
        wanted: {
          ...{ streams, from: Math.max(from, oldest), to, backward, after },
          ...(matcher ? { matcher: prepare(matcher) } : {}),
        },
      });
      const { hits, next } = await sweep.page();
      return { events: hits.map((hit) => eventOf(hit, open)), ...(next ? { next } : {}) };
    });
  }

  async tail(accountId: string, group: string, listener: TailListener): Promise<() => void> {
    return this.#groups.use(accountId, group, async (open) => {
      open.tails.add(listener);
      return () => open.tails.delete(listener);
    });
  }
}

/** Numbers of the streams that are asked for; undefined when those are all that the group ever had. */
function streamsOf(
  open: OpenGroup,
  { streams, accepts = () => true }: LogQuery,
  ever: number,
): Set<number> | undefined {
  if (streams) return new Set(streams.map((name) => requireStream(open, name).number));
  const numbers = open.numbersOf(accepts);
  // Events of streams that were deleted are in the files still.
  return numbers.size === ever ? undefined : numbers;
}

/** @throws LOG_STREAM_UNKNOWN */
function requireStream(open: OpenGroup, name: string): StreamRecord {
  const stream = open.stream(name);
  if (!stream) throw logStoreError('LOG_STREAM_UNKNOWN', 'there is no such log stream');
  return stream;
}

function eventOf({ time, sequence, stream, message }: Hit, open: OpenGroup) {
  return {
    stream: open.nameOf(stream) ?? '',
    timestamp: time,
    message,
    ingestionTime: arrivalOf(sequence),
    position: { time, sequence },
  };
}
