import { deadlineOf, isTerminal, type JobExecution, type JobStatus } from '@ioto/protocol';
import type { ItemStore, StoredItem, StoredKey, Write } from '../ports/item-store.ts';
import { expiryEntry } from '../sync/expiry/expiry-index.ts';

export type JobTargets = { devices: string[] } | { product: string } | { all: true };

/** A job of an account. */
export interface Job {
  jobId: string;
  accountId: string;
  /** ULID that tells it from an earlier job of the same ID; one of an older program has none. */
  life?: string;
  document: Readonly<Record<string, unknown>>;
  description?: string;
  /** `COMPLETED`: every execution has ended. */
  status: 'IN_PROGRESS' | 'COMPLETED' | 'CANCELED';
  targets: JobTargets;
  /** How long a device may have it in progress. */
  timeoutMinutes?: number;
  /** Executions by their status. */
  counts: Partial<Record<JobStatus, number>>;
  /** It has not been handed to all of its devices yet. */
  spreading?: boolean;
  /** ISO times. */
  created: string;
  updated: string;
  /** When it is forgotten. */
  keepUntil?: string;
}

/** A device's execution as it is kept. */
export interface StoredExecution extends JobExecution {
  accountId: string;
  deviceId: string;
  /** Of its job. */
  life?: string;
  keepUntil?: string;
}

/** Work on all executions of a job that has begun, and goes on after a crash. */
export interface JobTask {
  accountId: string;
  jobId: string;
  /** Of the job: what was begun for it does nothing to a later one of the same ID. */
  life?: string;
  task: 'spread' | 'cancel' | 'remove';
  /** Of a cancellation: also what is in progress. */
  force?: boolean;
}

const DAY = 86_400_000;
/** Milliseconds that an ended execution, and a job of which all have, can be looked at; a job that no device got, for a day. */
const KEPT = 90 * DAY;
/** Sorts as the number does. */
const padded = (seconds: number) => String(seconds).padStart(12, '0');

const TASKS = 'jobtask#';
export const TIMEOUTS = 'jobtimeout#';

export interface ExecutionName {
  accountId: string;
  deviceId: string;
  jobId: string;
}

export const jobKey = (accountId: string, jobId: string): StoredKey => ({
  pk: `job#${accountId}`,
  sk: jobId,
});

export const executionKey = ({ accountId, jobId, deviceId }: ExecutionName): StoredKey => ({
  pk: `jobx#${accountId}#${jobId}`,
  sk: deviceId,
});

/** The IDs of an account's jobs, without what is in them; `keepUntil` marks those that are over. */
export const indexKey = (accountId: string, jobId: string): StoredKey => ({
  pk: `jobindex#${accountId}`,
  sk: jobId,
});

/** What waits for a device, in the order in which it was queued. */
export const queuePartition = (accountId: string, deviceId: string) => `jobq#${accountId}#${deviceId}`;

function queueEntry({ accountId, deviceId, jobId, queuedAt }: StoredExecution): StoredItem {
  return { pk: queuePartition(accountId, deviceId), sk: `${padded(queuedAt)}#${jobId}`, jobId };
}

function timeoutEntry({ accountId, deviceId, jobId }: ExecutionName, deadline: number): StoredItem {
  const sk = `${padded(deadline)}#${accountId}#${jobId}#${deviceId}`;
  return { pk: TIMEOUTS, sk, of: { accountId, deviceId, jobId } };
}

/** Sort keys of timeouts that are over begin below this. */
export const timeoutBound = (seconds: number) => padded(seconds + 1);

/** A job that is canceled while it is handed out has both tasks; that is seen in this order. */
export const taskKey = ({ accountId, jobId, life, task }: JobTask): StoredKey => ({
  pk: TASKS,
  sk: [accountId, jobId, ...(life === undefined ? [] : [life]), task].join('#'),
});

export function fieldsOf<T>(item: StoredItem | undefined): T | undefined {
  if (!item) return undefined;
  const { pk: _pk, sk: _sk, ...fields } = item;
  return fields as unknown as T;
}

export const putJob = (job: Job): Write => ({ put: { ...jobKey(job.accountId, job.jobId), ...job } });

/** What a change of an execution writes, with its places in the queue, among the timeouts, and in the counts of its job. */
export function changeWrites(
  before: StoredExecution,
  after: StoredExecution,
  job: Job | undefined,
  now: number,
): Write[] {
  const [was, is] = [deadlineOf(before), deadlineOf(after)];
  const ends = isTerminal(after.status) && !isTerminal(before.status);
  const keepUntil = new Date(now + KEPT).toISOString();
  const { pk, sk } = queueEntry(before);
  return [
    { put: { ...executionKey(after), ...after, ...(ends && { keepUntil }) } },
    ...(ends ? [{ remove: { pk, sk } }, expiryEntry(keepUntil, executionKey(after))] : []),
    ...(was !== undefined && was !== is ? [removal(timeoutEntry(before, was))] : []),
    ...(is !== undefined && was !== is ? [{ put: timeoutEntry(after, is) }] : []),
    ...(job && before.status !== after.status
      ? countWrites(job, { [before.status]: -1, [after.status]: 1 }, now)
      : []),
  ];
}

/** What a first look at a device writes: the execution waits there, or has ended before it began. */
export function firstWrites(execution: StoredExecution, job: Job, now: number): Write[] {
  const key = executionKey(execution);
  const counted = countWrites(job, { [execution.status]: 1 }, now);
  if (!isTerminal(execution.status)) {
    return [{ put: { ...key, ...execution } }, { put: queueEntry(execution) }, ...counted];
  }
  const keepUntil = new Date(now + KEPT).toISOString();
  return [{ put: { ...key, ...execution, keepUntil } }, expiryEntry(keepUntil, key), ...counted];
}

/** The job with other counts; when no execution is left to wait for, it is over. */
export function countWrites(job: Job, changes: Partial<Record<JobStatus, number>>, now: number): Write[] {
  const counts = { ...job.counts };
  for (const [name, by] of Object.entries(changes) as [JobStatus, number][]) {
    const count = (counts[name] ?? 0) + by;
    if (count > 0) counts[name] = count;
    else delete counts[name];
  }
  const after: Job = { ...job, counts, updated: new Date(now).toISOString() };
  const isOver = !after.spreading && !counts.QUEUED && !counts.IN_PROGRESS;
  if (!isOver || job.keepUntil !== undefined) return [putJob(after)];
  const kept = Object.keys(counts).length > 0 ? KEPT : DAY;
  const keepUntil = new Date(now + kept).toISOString();
  const status = job.status === 'CANCELED' ? 'CANCELED' : 'COMPLETED';
  const index = indexKey(job.accountId, job.jobId);
  return [
    putJob({ ...after, status, keepUntil }),
    { put: { ...index, keepUntil } },
    expiryEntry(keepUntil, jobKey(job.accountId, job.jobId)),
    expiryEntry(keepUntil, index),
  ];
}

function removal({ pk, sk }: StoredItem): Write {
  return { remove: { pk, sk } };
}

/** Reads of jobs and executions. */
export class JobRecords {
  readonly #store: Pick<ItemStore, 'get' | 'query'>;

  constructor(store: Pick<ItemStore, 'get' | 'query'>) {
    this.#store = store;
  }

  async job(accountId: string, jobId: string): Promise<Job | undefined> {
    const { pk, sk } = jobKey(accountId, jobId);
    return fieldsOf<Job>(await this.#store.get(pk, sk));
  }

  async execution(name: ExecutionName): Promise<StoredExecution | undefined> {
    const { pk, sk } = executionKey(name);
    return fieldsOf<StoredExecution>(await this.#store.get(pk, sk));
  }

  /** What waits for a device, or is in progress there; at most as many as its queue takes. */
  async pending(accountId: string, deviceId: string): Promise<StoredExecution[]> {
    const { items } = await this.#store.query(queuePartition(accountId, deviceId));
    const names = items.map(({ jobId }) => ({ accountId, deviceId, jobId: String(jobId) }));
    const found = await Promise.all(names.map((name) => this.execution(name)));
    return found.filter((execution) => execution !== undefined);
  }

  /** All of a job, by device. */
  async executions(
    accountId: string,
    jobId: string,
    options: { limit?: number; after?: string } = {},
  ): Promise<{ items: StoredExecution[]; next?: string }> {
    const { items, next } = await this.#store.query(`jobx#${accountId}#${jobId}`, options);
    return { items: items.flatMap((item) => fieldsOf<StoredExecution>(item) ?? []), next };
  }

  /** What a crash may have cut short. */
  async tasks(): Promise<JobTask[]> {
    const tasks: JobTask[] = [];
    let after: string | undefined;
    do {
      const page = await this.#store.query(TASKS, { after });
      tasks.push(...page.items.flatMap((item) => fieldsOf<JobTask>(item) ?? []));
      after = page.next;
    } while (after !== undefined);
    return tasks;
  }
}
