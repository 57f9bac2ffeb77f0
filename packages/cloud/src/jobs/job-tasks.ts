import { type Clock, type Component, type Logger, messageOf } from '@ioto/runtime';
import type { DeviceDirectory } from '../devices/device-directory.ts';
import { deviceKey } from '../devices/device-item.ts';
import { type DeviceRecords, isHeldBy, type Ownership } from '../devices/device-records.ts';
import type { ItemStore, StoredItem } from '../ports/item-store.ts';
import { type DeviceJobs, seconds } from './device-jobs.ts';
import {
  countWrites,
  executionKey,
  fieldsOf,
  firstWrites,
  indexKey,
  type Job,
  type JobRecords,
  type JobTask,
  jobKey,
  queuePartition,
  type StoredExecution,
  taskKey,
} from './job-records.ts';

/** Executions that may wait for one device; a further one is refused at once. */
const MOST_PENDING = 100;
/** Devices that are taken care of side by side: their writes share a commit. */
const SIDE_BY_SIDE = 50;
/** Milliseconds until a task that has failed, by a full disk for instance, is tried again; then twice as long each time. */
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 60_000;

const FULL = {
  status: 'REJECTED',
  statusDetails: { reason: `${MOST_PENDING} jobs wait for this device` },
} as const;
const RELEASED = { status: 'REMOVED', statusDetails: { reason: 'the device was released' } } as const;

export interface JobTasksOptions {
  store: ItemStore;
  records: JobRecords;
  deviceJobs: DeviceJobs;
  directory: Pick<DeviceDirectory, 'find'>;
  devices: Pick<DeviceRecords, 'ownershipKey'>;
  clock: Clock;
  logger: Logger;
}

/**
 * What is done to all executions of a job: each task is written down in the commit that asks for it, may be done again from
 * the beginning, and goes on after a failure and a restart.
 */
export class JobTasks implements Component {
  readonly name = 'tasks of jobs';
  readonly #options: JobTasksOptions;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  /** What has failed, and waits for another try. */
  #open: JobTask[] = [];
  #wait = FIRST_WAIT;
  #cancelRetry: (() => void) | undefined;

  constructor(options: JobTasksOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const tasks = await this.#options.records.tasks();
    // Others need not wait for it.
    this.#track(this.#all(tasks));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#cancelRetry?.();
    await Promise.all(this.#running);
  }

  /**
   * Carries out a task that is written down. One that fails is tried again by itself until it is done.
   *
   * @throws as the store does.
   */
  run(task: JobTask): Promise<void> {
    const running = this.#carryOut(task);
    this.#track(running.catch(() => undefined));
    return running;
  }

  async #carryOut(task: JobTask): Promise<void> {
    try {
      if (task.task === 'spread') await this.#spread(task);
      else if (task.task === 'cancel') await this.#cancel(task);
      else await this.#remove(task);
    } catch (error) {
      const { accountId, jobId } = task;
      this.#options.logger.error({ accountId, jobId, error: messageOf(error) }, 'cannot go on with a job');
      this.#open.push(task);
      this.#retryLater();
      throw error;
    }
  }

  async #all(tasks: readonly JobTask[]): Promise<void> {
    for (const task of tasks) {
      if (this.#stopping.signal.aborted) return;
      await this.#carryOut(task).catch(() => undefined);
    }
  }

  #retryLater(): void {
    if (this.#cancelRetry || this.#stopping.signal.aborted) return;
    const again = async () => {
      const tasks = this.#open;
      this.#open = [];
      await this.#all(tasks);
      this.#cancelRetry = undefined;
      this.#wait = this.#open.length > 0 ? Math.min(2 * this.#wait, LONGEST_WAIT) : FIRST_WAIT;
      if (this.#open.length > 0) this.#retryLater();
    };
    this.#cancelRetry = this.#options.clock.after(this.#wait, () => this.#track(again()), { unref: true });
  }

  #track(running: Promise<void>): void {
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }

  /** Hands a job to its devices. The devices of a product, or of the account, are those that it has now. */
  async #spread(task: JobTask): Promise<void> {
    const { store, records, clock } = this.#options;
    const { accountId, jobId } = task;
    const job = await records.job(accountId, jobId);
    if (job && isOf(task, job)) {
      for await (const lot of this.#targets(job)) {
        await this.#sideBySide(lot, (deviceId) => this.#queue(job, deviceId));
      }
    }
    if (this.#stopping.signal.aborted) return;
    await store.update([jobKey(accountId, jobId)], ([item]) => {
      const now = fieldsOf<Job>(item);
      const end = { remove: taskKey(task) };
      if (!now || !isOf(task, now)) return [end];
      const { spreading: _over, ...whole } = now;
      return [...countWrites(whole, {}, clock.now()), end];
    });
  }

  async *#targets({ accountId, targets }: Job): AsyncGenerator<string[]> {
    if ('devices' in targets) {
      yield targets.devices;
      return;
    }
    let next: string | undefined;
    do {
      const page = await this.#options.directory.find(accountId, { limit: 500, next });
      yield page.items
        .filter((item) => !('product' in targets) || item.product === targets.product)
        .map(({ id }) => id);
      next = page.next;
    } while (next !== undefined && !this.#stopping.signal.aborted);
  }

  /** In the commit that sees whose the device is: one that was released meanwhile is not to get it with its next owner. */
  async #queue({ accountId, jobId, life }: Job, deviceId: string): Promise<void> {
    const { store, devices, deviceJobs, clock } = this.#options;
    const device = { accountId, deviceId };
    await deviceJobs.queued(device, async () => {
      const { items } = await store.query(queuePartition(accountId, deviceId), { limit: MOST_PENDING });
      const isFull = items.length >= MOST_PENDING;
      const now = clock.now();
      const at = { queuedAt: seconds(now), lastUpdatedAt: seconds(now) };
      const execution = { ...device, ...{ jobId, life, executionNumber: 1, versionNumber: 1 }, ...at };
      const keys = [
        ...[executionKey(execution), jobKey(accountId, jobId)],
        ...[devices.ownershipKey(deviceId), deviceKey(accountId, deviceId)],
      ];
      await store.update(keys, ([there, item, ownership, owned]) => {
        const job = fieldsOf<Job>(item);
        // Done before a crash, or canceled or removed meanwhile, and perhaps made anew.
        if (isOf({ life }, fieldsOf(there)) || job?.status !== 'IN_PROGRESS' || job.life !== life) return [];
        const had = isHeldBy(accountId, ownership as Partial<Ownership> | undefined) && hadSince(owned, job);
        const outcome = had ? (isFull ? FULL : { status: 'QUEUED' as const }) : RELEASED;
        return firstWrites({ ...execution, ...outcome }, job, now);
      });
    });
  }

  async #cancel(task: JobTask): Promise<void> {
    const { deviceJobs } = this.#options;
    const { jobId, force } = task;
    await this.#each(task, async ({ accountId, deviceId }) => {
      const applies = (execution: StoredExecution) =>
        isOf(task, execution) && (force === true || execution.status === 'QUEUED');
      await deviceJobs.end({ accountId, deviceId, jobId }, { status: 'CANCELED' }, applies);
    });
    if (!this.#stopping.signal.aborted) await this.#options.store.write([{ remove: taskKey(task) }]);
  }

  async #remove(task: JobTask): Promise<void> {
    const { store, deviceJobs } = this.#options;
    const { jobId, accountId } = task;
    await this.#each(task, async ({ deviceId }) => {
      const applies = (execution: StoredExecution) => isOf(task, execution);
      await deviceJobs.end({ accountId, deviceId, jobId }, { status: 'REMOVED' }, applies);
    });
    await this.#each(task, async (execution) => {
      const key = executionKey(execution);
      const removal = (item: StoredItem | undefined) => (isOf(task, fieldsOf(item)) ? [{ remove: key }] : []);
      await store.update([key], ([item]) => removal(item));
    });
    if (this.#stopping.signal.aborted) return;
    const key = jobKey(accountId, jobId);
    await store.update([key], ([item]) => [
      ...(isOf(task, fieldsOf(item)) ? [{ remove: key }, { remove: indexKey(accountId, jobId) }] : []),
      { remove: taskKey(task) },
    ]);
  }

  async #each(
    { accountId, jobId }: JobTask,
    run: (execution: StoredExecution) => Promise<void>,
  ): Promise<void> {
    let after: string | undefined;
    do {
      const page = await this.#options.records.executions(accountId, jobId, { limit: 500, after });
      await this.#sideBySide(page.items, run);
      after = page.next;
    } while (after !== undefined && !this.#stopping.signal.aborted);
  }

  async #sideBySide<T>(all: readonly T[], run: (one: T) => Promise<void>): Promise<void> {
    for (let at = 0; at < all.length && !this.#stopping.signal.aborted; at += SIDE_BY_SIDE) {
      await Promise.all(all.slice(at, at + SIDE_BY_SIDE).map(run));
    }
  }
}

/** True for a device that its account had when the job was made, and has not had anew since. */
function hadSince(device: StoredItem | undefined, { created }: Job): boolean {
  return typeof device?.created === 'string' && device.created <= created;
}

/** True for what is of the very job that a task is for. */
function isOf({ life }: Pick<JobTask, 'life'>, found: Pick<Job, 'life'> | undefined): boolean {
  return found !== undefined && found.life === life;
}
