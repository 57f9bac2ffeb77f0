import { type Clock, type Component, type Logger, messageOf } from '@ioto/runtime';
import type { DeviceDirectory } from '../devices/device-directory.ts';
import { deviceKey } from '../devices/device-item.ts';
import { type DeviceRecords, isHeldBy, type Ownership } from '../devices/device-records.ts';
import type { ItemStore, StoredItem } from '../ports/item-store.ts';
import { type DeviceJobs, seconds } from './device-jobs.ts';
import {
  activeKey,
  countWrites,
  executionKey,
  fieldsOf,
  firstWrites,
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
 * the beginning, and goes on after a restart.
 */
export class JobTasks implements Component {
  readonly name = 'tasks of jobs';
  readonly #options: JobTasksOptions;
  readonly #stopping = new AbortController();
  #resumed: Promise<void> = Promise.resolve();

  constructor(options: JobTasksOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { records, logger } = this.#options;
    const tasks = await records.tasks();
    // Others need not wait for it.
    this.#resumed = (async () => {
      for (const task of tasks) {
        const { accountId, jobId } = task;
        await this.run(task).catch((error) =>
          logger.error({ accountId, jobId, error: messageOf(error) }, 'cannot go on with a job'),
        );
      }
    })();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#resumed;
  }

  async run(task: JobTask): Promise<void> {
    if (task.task === 'spread') await this.#spread(task);
    else if (task.task === 'cancel') await this.#cancel(task);
    else await this.#remove(task);
  }

  /** Hands a job to its devices. The devices of a product, or of the account, are those that it has now. */
  async #spread(task: JobTask): Promise<void> {
    const { store, records, clock } = this.#options;
    const { accountId, jobId } = task;
    const job = await records.job(accountId, jobId);
    if (job) {
      for await (const lot of this.#targets(job)) {
        await this.#sideBySide(lot, (deviceId) => this.#queue(job, deviceId));
      }
    }
    if (this.#stopping.signal.aborted) return;
    await store.update([jobKey(accountId, jobId)], ([item]) => {
      const now = fieldsOf<Job>(item);
      const end = { remove: taskKey(task) };
      if (!now) return [end];
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
  async #queue({ accountId, jobId }: Job, deviceId: string): Promise<void> {
    const { store, devices, deviceJobs, clock } = this.#options;
    const device = { accountId, deviceId };
    await deviceJobs.queued(device, async () => {
      const { items } = await store.query(queuePartition(accountId, deviceId), { limit: MOST_PENDING });
      const isFull = items.length >= MOST_PENDING;
      const now = clock.now();
      const at = { queuedAt: seconds(now), lastUpdatedAt: seconds(now) };
      const execution = { ...device, ...{ jobId, executionNumber: 1, versionNumber: 1 }, ...at };
      const keys = [
        ...[executionKey(execution), jobKey(accountId, jobId)],
        ...[devices.ownershipKey(deviceId), deviceKey(accountId, deviceId)],
      ];
      await store.update(keys, ([there, item, ownership, owned]) => {
        const job = fieldsOf<Job>(item);
        // Done before a crash, or canceled or removed meanwhile.
        if (there || job?.status !== 'IN_PROGRESS') return [];
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
      const applies = ({ status }: { status: string }) => force === true || status === 'QUEUED';
      await deviceJobs.end({ accountId, deviceId, jobId }, { status: 'CANCELED' }, applies);
    });
    if (!this.#stopping.signal.aborted) await this.#options.store.write([{ remove: taskKey(task) }]);
  }

  async #remove(task: JobTask): Promise<void> {
    const { store, deviceJobs } = this.#options;
    const { jobId, accountId } = task;
    await this.#each(task, async ({ deviceId }) => {
      await deviceJobs.end({ accountId, deviceId, jobId }, { status: 'REMOVED' });
    });
    await this.#each(task, async (execution) => {
      await store.write([{ remove: executionKey(execution) }]);
    });
    if (this.#stopping.signal.aborted) return;
    await store.write([
      { remove: jobKey(accountId, jobId) },
      { remove: activeKey(accountId, jobId) },
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
