import type { FileLayer } from '@ioto/database';
import { type Clock, isUlid, type Logger, messageOf, systemCode } from '@ioto/runtime';
import { type LogGroup, logStoreError } from '../../../ports/log-store.ts';
import { groupDirectory } from './group-files.ts';
import type { GroupLogLimits } from './group-log.ts';
import { HeldBytes } from './held-bytes.ts';
import type { LogQuota } from './log-quota.ts';
import type { GroupRecord, LogRecords } from './log-records.ts';
import { OpenGroup } from './open-group.ts';
import { oldestOf } from './retention.ts';

/** Bytes of memory that events of all groups may take before they are packed; beyond twice as many puts wait for it. */
const MOST_MEMORY = 64 * 1024 * 1024;
/** Milliseconds after which a group that nobody uses is closed. */
const IDLE = 10 * 60_000;
/** Milliseconds between two looks at a group that is not in use. */
const TIDY_CLOSED = 6 * 3_600_000;

export interface OpenGroupsOptions {
  directory: string;
  files: FileLayer;
  records: LogRecords;
  quota: LogQuota;
  clock: Clock;
  logger: Logger;
  limits?: Partial<GroupLogLimits>;
  /** Default: 64 MB. */
  memory?: number;
}

type Use<T> = (open: OpenGroup, record: GroupRecord) => Promise<T>;

/** The groups in use. A group is opened when it is first asked for, and by one alone. */
export class OpenGroups {
  readonly #options: OpenGroupsOptions;
  /** By ID of the group. */
  readonly #open = new Map<string, Promise<OpenGroup>>();
  readonly #ready = new Set<OpenGroup>();
  readonly #memory = new HeldBytes();
  /** The group that is packed to make room. */
  #packing: Promise<void> | undefined;
  readonly #closing = new Map<string, Promise<void>>();
  /** When each group was last looked through for what is past its time, milliseconds since 1970. */
  readonly #tidied = new Map<string, number>();

  constructor(options: OpenGroupsOptions) {
    this.#options = options;
  }

  /** Removes the files of groups that are not there any more. */
  async start(): Promise<void> {
    const { directory, files, logger } = this.#options;
    await files.ensureDirectory(directory);
    for (const accountId of await this.#accounts()) {
      const known = new Set((await this.#groupsOf(accountId)).map(({ id }) => id));
      for (const id of await files.list(groupDirectory(directory, accountId, ''))) {
        // What is not ours is left alone.
        if (known.has(id) || !isUlid(id)) continue;
        logger.info({ accountId, group: id }, 'clearing up after a removed log group');
        await this.#removeFiles(accountId, id);
      }
    }
  }

  /** Accounts that have files here. */
  async #accounts(): Promise<string[]> {
    const { files, directory } = this.#options;
    return (await files.list(directory)).filter(isUlid);
  }

  async #groupsOf(accountId: string): Promise<LogGroup[]> {
    const found: LogGroup[] = [];
    for (let after: string | undefined; ; ) {
      const { groups, next } = await this.#options.records.groups(accountId, { after, limit: 1000 });
      found.push(...groups);
      if (next === undefined) return found;
      after = next;
    }
  }

  /**
   * Does something with a group that stays open meanwhile.
   *
   * @throws LOG_GROUP_UNKNOWN
   */
  async use<T>(accountId: string, name: string, operation: Use<T>, { touch = true } = {}): Promise<T> {
    const record = await this.#options.records.requireGroup(accountId, name);
    const open = await this.#enter(accountId, record);
    if (touch) open.lastUsed = this.#options.clock.now();
    try {
      return await operation(open, record);
    } finally {
      open.busy -= 1;
    }
  }

  /** The group, counted as busy. */
  async #enter(accountId: string, record: GroupRecord): Promise<OpenGroup> {
    for (;;) {
      await this.#closing.get(record.id);
      const opening = this.#open.get(record.id) ?? this.#openNow(accountId, record);
      const open = await opening;
      // It may have been closed between the two.
      if (this.#open.get(record.id) !== opening) continue;
      open.busy += 1;
      return open;
    }
  }

  #openNow(accountId: string, { id, name }: GroupRecord): Promise<OpenGroup> {
    const { directory, memory: _, ...others } = this.#options;
    const open = new OpenGroup({
      ...others,
      memory: this.#memory,
      ...{ id, name, accountId, directory: groupDirectory(directory, accountId, id) },
    });
    const opening = open.open().then(
      () => {
        this.#ready.add(open);
        return open;
      },
      async (error) => {
        await open.log.close().catch(() => undefined);
        this.#options.logger.error(
          { accountId, group: name, error: messageOf(error) },
          'cannot open a log group',
        );
        throw logStoreError('LOG_STORE_UNWRITABLE', 'the files of the log group cannot be opened now', {
          cause: error,
        });
      },
    );
    this.#open.set(id, opening);
    opening.catch(() => this.#open.delete(id));
    return opening;
  }

  /** Packs the group that holds most, in the background, when all of them together hold too much. */
  keepWithinMemory(): void {
    if (this.#memory.bytes > this.#most) void this.#packLargest();
  }

  /**
   * Resolves when there is room for more events, which may be at once.
   *
   * @throws LOG_STORE_UNWRITABLE when packing makes none.
   */
  async requireMemory(): Promise<void> {
    while (this.#memory.bytes > 2 * this.#most) {
      const before = this.#memory.bytes;
      await this.#packLargest();
      if (this.#memory.bytes < before) continue;
      throw logStoreError('LOG_STORE_UNWRITABLE', 'log events cannot be packed');
    }
  }

  get #most(): number {
    return this.#options.memory ?? MOST_MEMORY;
  }

  async #packLargest(): Promise<void> {
    let [largest] = this.#ready;
    if (!largest) return;
    for (const open of this.#ready) if (open.log.size > largest.log.size) largest = open;
    this.#packing ??= largest.log.pack({ all: true }).finally(() => {
      this.#packing = undefined;
    });
    await this.#packing;
  }

  /** Forgets a group whose record is gone, with its files. */
  async remove(accountId: string, id: string): Promise<void> {
    const open = await this.#open.get(id);
    if (open) await this.#close(open);
    await this.#removeFiles(accountId, id);
    await this.#options.quota.note(accountId, id, 0);
  }

  async tidy(): Promise<void> {
    const { logger } = this.#options;
    for (const accountId of await this.#accounts()) {
      for (const group of await this.#groupsOf(accountId)) {
        if (!this.#isDue(group)) continue;
        try {
          await this.use(accountId, group.name, (open) => this.#tidyOne(open, group), { touch: false });
          await this.#closeIdle();
        } catch (error) {
          logger.error({ accountId, group: group.name, error: messageOf(error) }, 'cannot tidy a log group');
        }
      }
    }
    await this.#closeIdle();
  }

  /** Also those that were opened to be tidied alone: after a restart these are all that have a retention. */
  async #closeIdle(): Promise<void> {
    const { clock } = this.#options;
    for (const open of [...this.#ready]) {
      const isIdle = clock.now() - open.lastUsed > IDLE;
      if (isIdle && open.busy === 0 && open.tails.size === 0) await this.#close(open);
    }
  }

  /** Groups in use each time; others must be opened for it, and are when it may be worth it. */
  #isDue({ id, retentionInDays }: LogGroup): boolean {
    if (this.#open.has(id)) return true;
    return (
      retentionInDays !== undefined && this.#options.clock.now() - (this.#tidied.get(id) ?? 0) > TIDY_CLOSED
    );
  }

  async #tidyOne(open: OpenGroup, { id, retentionInDays }: LogGroup): Promise<void> {
    const now = this.#options.clock.now();
    this.#tidied.set(id, now);
    await open.log.tidy(oldestOf(retentionInDays, now));
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#ready].map((open) => this.#close(open)));
  }

  #close(open: OpenGroup): Promise<void> {
    const { id } = open.options;
    this.#open.delete(id);
    this.#ready.delete(open);
    const closing = open.log.close().finally(() => this.#closing.delete(id));
    this.#closing.set(id, closing);
    return closing;
  }

  async #removeFiles(accountId: string, id: string): Promise<void> {
    const { directory, files, records } = this.#options;
    const streams = await records.streams(id);
    await records.removeStreams(
      id,
      streams.map(({ name }) => name),
    );
    try {
      await files.removeDirectory(groupDirectory(directory, accountId, id));
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
  }
}
