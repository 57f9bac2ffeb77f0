import { JOB_LIMITS } from '@ioto/protocol';
import { type Clock, isoTime, newUlid } from '@ioto/runtime';
import type { AuditAction, AuditLog } from '../audit/audit-log.ts';
import type { DeviceRecords } from '../devices/device-records.ts';
import { Turns } from '../devices/turns.ts';
import { TokenBuckets } from '../limits/token-bucket.ts';
import { type ItemStore, writeIfHolds } from '../ports/item-store.ts';
import { jobError } from './job-errors.ts';
import {
  fieldsOf,
  indexKey,
  type Job,
  type JobRecords,
  type JobTargets,
  type JobTask,
  jobKey,
  putJob,
  type StoredExecution,
  taskKey,
} from './job-records.ts';
import type { JobTasks } from './job-tasks.ts';

/** Jobs of one account that are not over; AWS allows as many by default. */
const MOST_ACTIVE = 1000;
/** Jobs of one account, with those that are over and still kept: each may take 32 KB. */
const MOST_KEPT = 5000;
/** Jobs that one account may make. */
const CREATIONS = { burst: 100, period: 60_000 };
/** Jobs that are read in one go, and bytes after which a page has enough of them. */
const LOT = 25;
const PAGE_BYTES = 1024 * 1024;
/** Milliseconds that whoever makes a job waits to see it handed out. */
const PATIENCE = 1000;

export interface JobDeskOptions {
  store: ItemStore;
  records: JobRecords;
  devices: Pick<DeviceRecords, 'held'>;
  tasks: JobTasks;
  audit: AuditLog;
  clock: Clock;
}

export interface JobOrder {
  jobId?: string;
  /** An object, or the text of one. */
  document: unknown;
  description?: string;
  targets: JobTargets;
  timeoutMinutes?: number;
}

/** Whose jobs, and who asks; for the audit record. */
export interface JobScope {
  accountId: string;
  actor: string;
}

/** Jobs as their owner makes, watches and ends them. */
export class JobDesk {
  readonly #options: JobDeskOptions;
  readonly #creations: TokenBuckets;
  /** By account, for what it may have. */
  readonly #turns = new Turns();

  constructor(options: JobDeskOptions) {
    this.#options = options;
    this.#creations = new TokenBuckets({ clock: options.clock, rule: CREATIONS });
  }

  /**
   * A job for devices that the account has now. Resolves once it is durable: when each of them has it in its queue, or, where
   * that takes longer than a moment, before; it is `spreading` until then.
   *
   * @throws REQUEST_INVALID (400), DEVICE_UNKNOWN (404), JOB_EXISTS (409), JOB_LIMIT (429).
   */
  async create(scope: JobScope, order: JobOrder): Promise<Job> {
    const { records, tasks, clock } = this.#options;
    const { accountId } = scope;
    const { jobId = newUlid(clock.now()), targets, description, timeoutMinutes } = order;
    if (!JOB_LIMITS.jobId.test(jobId)) {
      throw jobError('REQUEST_INVALID', '"jobId" must be 1 to 64 letters, digits, _ and -');
    }
    const document = documentOf(order.document);
    this.#count(accountId);
    await this.#requireTargets(accountId, targets);
    const now = isoTime(clock);
    const job: Job = {
      ...{ jobId, accountId, document, targets, status: 'IN_PROGRESS', counts: {}, spreading: true },
      life: newUlid(clock.now()),
      ...(description === undefined ? {} : { description }),
      ...(timeoutMinutes === undefined ? {} : { timeoutMinutes }),
      ...{ created: now, updated: now },
    };
    const task: JobTask = { accountId, jobId, life: job.life, task: 'spread' };
    await this.#turns.run(accountId, async () => {
      await this.#refuseExcess(accountId);
      const isNew = await writeIfHolds(this.#options.store, [
        { ...putJob(job), if: { absent: true } },
        { put: { ...indexKey(accountId, jobId) } },
        { put: { ...taskKey(task), ...task } },
        this.#entry(scope, 'job.created', jobId),
      ]);
      if (!isNew) throw jobError('JOB_EXISTS', `there is a job ${jobId} already: name it otherwise`);
    });
    await this.#aMoment(tasks.run(task));
    return (await records.job(accountId, jobId)) ?? job;
  }

  /** @throws JOB_UNKNOWN (404) */
  async get(accountId: string, jobId: string): Promise<Job> {
    const job = await this.#options.records.job(accountId, jobId);
    if (job) return job;
    throw jobError('JOB_UNKNOWN', `this account has no job ${jobId}`);
  }

  /** In the order of their IDs; a page may have fewer than `limit`, for what they take. */
  async find(
    accountId: string,
    { limit = 100, next }: { limit?: number; next?: string } = {},
  ): Promise<{ items: Job[]; next?: string }> {
    const items: Job[] = [];
    let bytes = 0;
    let after = next;
    do {
      const lot = { limit: Math.min(LOT, limit - items.length), after };
      const page = await this.#options.store.query(jobKey(accountId, '').pk, lot);
      items.push(...page.items.flatMap((item) => fieldsOf<Job>(item) ?? []));
      bytes += JSON.stringify(page.items).length;
      after = page.next;
    } while (after !== undefined && items.length < limit && bytes < PAGE_BYTES);
    return { items, ...nextOf({ next: after }) };
  }

  /** How a job stands on each device. @throws JOB_UNKNOWN (404) */
  async executions(
    accountId: string,
    jobId: string,
    { limit = 100, next }: { limit?: number; next?: string } = {},
  ): Promise<{ items: StoredExecution[]; next?: string }> {
    await this.get(accountId, jobId);
    const page = await this.#options.records.executions(accountId, jobId, { limit, after: next });
    return { items: page.items, ...nextOf(page) };
  }

  /**
   * Ends a job: what is queued is canceled, and what is in progress too with `force`; it goes on there otherwise.
   *
   * @throws JOB_UNKNOWN (404), JOB_ACTIVE (409) for one that is over.
   */
  async cancel(scope: JobScope, jobId: string, force = false): Promise<Job> {
    const { store, tasks, clock } = this.#options;
    const { accountId } = scope;
    const before = await this.get(accountId, jobId);
    if (before.status === 'COMPLETED') throw jobError('JOB_ACTIVE', `the job ${jobId} is over`);
    const { life } = before;
    const task: JobTask = { accountId, jobId, life, task: 'cancel', force };
    await store.update([jobKey(accountId, jobId)], ([item]) => {
      const job = fieldsOf<Job>(item);
      if (!job || job.life !== life) return [];
      const canceled: Job = { ...job, status: 'CANCELED', updated: isoTime(clock) };
      const facts = { put: { ...taskKey(task), ...task } };
      return [putJob(canceled), facts, this.#entry(scope, 'job.canceled', jobId, { force })];
    });
    await tasks.run(task);
    return this.get(accountId, jobId);
  }

  /**
   * Forgets a job and its executions; devices that have one pending lose it.
   *
   * @throws JOB_UNKNOWN (404), JOB_ACTIVE (409) without `force` for one that is not over.
   */
  async remove(scope: JobScope, jobId: string, force = false): Promise<void> {
    const { store, tasks, clock } = this.#options;
    const { accountId } = scope;
    const before = await this.get(accountId, jobId);
    if (before.keepUntil === undefined && !force) {
      throw jobError('JOB_ACTIVE', `the job ${jobId} is not over: cancel it, or remove it by force`);
    }
    const { life } = before;
    const task: JobTask = { accountId, jobId, life, task: 'remove' };
    await store.update([jobKey(accountId, jobId)], ([item]) => {
      const job = fieldsOf<Job>(item);
      if (!job || job.life !== life) return [];
      // Nobody is handed it any more.
      const canceled: Job = { ...job, status: 'CANCELED', updated: isoTime(clock) };
      const facts = { put: { ...taskKey(task), ...task } };
      return [putJob(canceled), facts, this.#entry(scope, 'job.removed', jobId)];
    });
    await tasks.run(task);
  }

  /** Waits for a task, which goes on by itself whatever comes of it here. */
  async #aMoment(task: Promise<void>): Promise<void> {
    let over = () => {};
    const patience = new Promise<void>((resolve) => {
      over = this.#options.clock.after(PATIENCE, resolve, { unref: true });
    });
    await Promise.race([task.catch(() => undefined), patience]);
    over();
  }

  async #requireTargets(accountId: string, targets: JobTargets): Promise<void> {
    if (!('devices' in targets)) return;
    for (const deviceId of targets.devices) {
      if (await this.#options.devices.held(accountId, deviceId)) continue;
      throw jobError('DEVICE_UNKNOWN', `this account has no device ${deviceId}`);
    }
  }

  async #refuseExcess(accountId: string): Promise<void> {
    const { items } = await this.#options.store.query(indexKey(accountId, '').pk, { limit: MOST_KEPT });
    if (items.length >= MOST_KEPT) {
      throw jobError('JOB_LIMIT', `an account may have ${MOST_KEPT} jobs: remove some that are over`);
    }
    if (items.filter(({ keepUntil }) => keepUntil === undefined).length < MOST_ACTIVE) return;
    throw jobError('JOB_LIMIT', `an account may have ${MOST_ACTIVE} jobs that are not over: cancel some`);
  }

  #count(accountId: string): void {
    const retryAfter = this.#creations.take(accountId);
    if (retryAfter === 0) return;
    const { burst, period } = CREATIONS;
    const message = `an account may make ${burst} jobs in ${period / 1000} seconds: one job can be for many devices`;
    throw jobError('JOB_LIMIT', message, { retryAfter });
  }

  #entry({ accountId, actor }: JobScope, action: AuditAction, jobId: string, more: object = {}) {
    const details = { jobId, ...more };
    return this.#options.audit.entry({ accountId }, { action, actor, accountId, details });
  }
}

function nextOf({ next }: { next?: string }): { next?: string } {
  return next === undefined ? {} : { next };
}

/** @throws REQUEST_INVALID (400) */
function documentOf(given: unknown): Readonly<Record<string, unknown>> {
  let value = given;
  if (typeof given === 'string') {
    try {
      value = JSON.parse(given);
    } catch (cause) {
      throw jobError('REQUEST_INVALID', '"document" is not JSON: a job document is one JSON object', {
        cause,
      });
    }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw jobError('REQUEST_INVALID', '"document" must be a JSON object');
  }
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes > JOB_LIMITS.document) {
    const most = JOB_LIMITS.document / 1024;
    throw jobError('REQUEST_INVALID', `"document" takes ${bytes} bytes: a job document may take ${most} KB`);
  }
  return value as Readonly<Record<string, unknown>>;
}
