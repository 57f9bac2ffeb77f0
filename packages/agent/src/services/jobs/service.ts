import { Backoff, type Component, isCodedError, messageOf } from '@ioto/runtime';
import type { AgentParts } from '../../agent-parts.ts';
import type { ConnectionUser, Owner, Publish } from '../mqtt/service.ts';
import { detailsFor } from './details.ts';
import { isOver, type JobCloud, JobRejected } from './job-cloud.ts';
import type { JobJournal, JobOutcome, JournalEntry } from './journal.ts';

/** Carries out a job; undefined when it ends with this run of the agent, and is gone on with at the next. */
export type Performer = (
  entry: JournalEntry,
  how: {
    /** An earlier run of the agent had begun it. */
    resumed: boolean;
    /** Aborts when the job is taken back, or the agent stops. */
    signal: AbortSignal;
    /** Writes down what the deed must know after a restart. */
    note(note: Readonly<Record<string, string>>): Promise<void>;
  },
) => Promise<JobOutcome | undefined>;

export interface JobServiceOptions
  extends Pick<AgentParts, 'clock' | 'logger' | 'events' | 'provisionFile' | 'checkpoint' | 'random'> {
  /** `notified` calls back to this service. */
  cloud: (notified: () => void) => JobCloud;
  journal: JobJournal;
  perform: Performer;
}

/** Milliseconds after which a question that failed is asked again; longer and longer of a cloud that says nothing. */
const RETRY = { first: 60_000, limit: 3_600_000, jitter: 0.2 };
/** Connections in a row that ended on a question, after which the cloud is left alone, and for how long. */
const HANG_UPS = 3;
const LEFT_ALONE = 600_000;

/**
 * Service `jobs`: asks the cloud for the next job, does it, reports how it ended, and asks for the next. One at a time, each
 * once: what was begun is written down before it is done, and its end before it is told.
 */
export class JobService implements Component, ConnectionUser {
  readonly name = 'jobs';
  readonly #options: JobServiceOptions;
  readonly #cloud: JobCloud;
  readonly #stopping = new AbortController();
  #entry: JournalEntry | undefined;
  #resumed = false;
  /** The outcome of the job is on the disk. */
  #isKept = true;
  /** Takes back the job that is being done. */
  #taking: AbortController | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #off: (() => void) | undefined;
  #cancelRetry: (() => void) | undefined;
  readonly #retries: Backoff;
  #hangUps = 0;
  #quietUntil = Number.NEGATIVE_INFINITY;

  constructor(options: JobServiceOptions) {
    this.#options = options;
    this.#cloud = options.cloud(() => this.#notified());
    this.#retries = new Backoff({ ...RETRY, random: options.random });
  }

  get cloud(): Pick<JobCloud, 'received'> {
    return this.#cloud;
  }

  async start(): Promise<void> {
    this.#entry = await this.#options.journal.read();
    this.#resumed = this.#entry !== undefined;
    // What is gone on with may need services that start after this one.
    this.#off = this.#options.events.once('local:ready', () => this.#kick());
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the agent stops'));
    this.#off?.();
    this.#cancelRetry?.();
    this.#cloud.disconnected();
    await this.#running;
  }

  /** A job of an earlier owner is nobody's any more. */
  async prepare({ accountId }: Owner): Promise<void> {
    if (!this.#entry || this.#entry.accountId === accountId) return;
    this.#taking?.abort(new Error('the device has a new owner'));
    await this.#running;
    await this.#options.journal.clear();
    this.#entry = undefined;
  }

  connected(publish: Publish): void {
    this.#cloud.connected(publish);
    this.#kick();
  }

  disconnected(): void {
    if (!this.#cloud.disconnected()) return;
    // An endpoint that forbids the question closes the connection, and would do so with every one.
    this.#hangUps += 1;
    if (this.#hangUps < HANG_UPS) return;
    this.#hangUps = 0;
    this.#quietUntil = this.#options.clock.now() + LEFT_ALONE;
    this.#retryIn(LEFT_ALONE);
    const message = 'the endpoint ended the connection whenever the device asked for its jobs';
    this.#options.events.emit('service:unavailable', { service: 'jobs', code: 'JOBS_HANG_UP', message });
  }

  /** Another job is next, or none: the one that is being done may have been taken back. */
  #notified(): void {
    if (this.#entry && !this.#entry.outcome) void this.#checkTaken(this.#entry.jobId);
    else this.#kick();
  }

  async #checkTaken(jobId: string): Promise<void> {
    try {
      if (await this.#cloud.isPending(jobId)) return;
      if (this.#entry?.jobId === jobId) this.#taking?.abort(new Error('the cloud took the job back'));
    } catch (error) {
      this.#options.logger.debug({ jobId, error: messageOf(error) }, 'cannot ask whether a job still stands');
    }
  }

  #kick(): void {
    if (this.#stopping.signal.aborted) return;
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#again && !this.#stopping.signal.aborted) this.#kick();
    });
  }

  async #run(): Promise<void> {
    try {
      while (this.#again) {
        this.#again = false;
        while (await this.#step());
      }
      this.#retries.reset();
    } catch (error) {
      // The next connection asks by itself.
      if (this.#stopping.signal.aborted || !this.#cloud.isConnected) return;
      const retryIn = this.#retries.next();
      const told = {
        error: messageOf(error),
        code: isCodedError(error) ? error.code : 'UNEXPECTED',
        retryIn,
      };
      this.#options.logger.info(told, 'the jobs of this device are asked for again later');
      this.#retryIn(retryIn);
    }
  }

  #retryIn(ms: number): void {
    this.#cancelRetry?.();
    this.#cancelRetry = this.#options.clock.after(ms, () => this.#kick(), { unref: true });
  }

  /** True when there may be more to do at once. */
  async #step(): Promise<boolean> {
    if (this.#stopping.signal.aborted) return false;
    if (!this.#entry) {
      if (!this.#cloud.isConnected || this.#options.clock.now() < this.#quietUntil) return false;
      return this.#begin();
    }
    if (!this.#entry.outcome) return this.#perform(this.#entry);
    if (!this.#isKept) return this.#keep(this.#entry, this.#entry.outcome);
    if (!this.#cloud.isConnected) return false;
    return this.#report(this.#entry, this.#entry.outcome);
  }

  async #begin(): Promise<boolean> {
    const { journal, events, provisionFile, checkpoint } = this.#options;
    const next = await this.#cloud.startNext();
    this.#hangUps = 0;
    if (!next) return false;
    const { accountId = '' } = provisionFile.record;
    this.#entry = await journal.write({ ...next, accountId, note: {} });
    this.#resumed = false;
    await checkpoint('job-journalled');
    events.emit('job:started', { jobId: next.jobId, operation: operationOf(next.document) });
    return true;
  }

  async #perform(entry: JournalEntry): Promise<boolean> {
    const { journal, perform } = this.#options;
    this.#taking = new AbortController();
    const signal = AbortSignal.any([this.#stopping.signal, this.#taking.signal]);
    const note = async (more: Readonly<Record<string, string>>) => {
      const now = this.#entry ?? entry;
      this.#entry = await journal.write({ ...now, note: { ...now.note, ...more } });
    };
    const outcome = await perform(entry, { resumed: this.#resumed, signal, note }).catch(
      (error): JobOutcome => ({ status: 'FAILED', details: { reason: messageOf(error) } }),
    );
    this.#resumed = true;
    if (!outcome || this.#stopping.signal.aborted) return false;
    // What is done is done, also where the disk does not take it yet.
    this.#entry = { ...(this.#entry ?? entry), outcome };
    this.#isKept = false;
    return true;
  }

  /** Writes down how a job has ended, before that is told. */
  async #keep(entry: JournalEntry, { status, details }: JobOutcome): Promise<boolean> {
    const { journal, events, checkpoint } = this.#options;
    await journal.write(entry);
    this.#isKept = true;
    await checkpoint('job-done');
    const { jobId } = entry;
    const operation = operationOf(entry.document);
    events.emit('job:ended', { jobId, operation, status, ...(details.reason && { reason: details.reason }) });
    return true;
  }

  async #report(entry: JournalEntry, { status, details }: JobOutcome): Promise<boolean> {
    const { journal, provisionFile, logger } = this.#options;
    const { jobId } = entry;
    try {
      await this.#cloud.report(entry, status, detailsFor(details, provisionFile.isCloudOurs));
    } catch (error) {
      if (!(error instanceof JobRejected) || !['InvalidRequest', 'InvalidJson'].includes(error.rejection)) {
        if (!(error instanceof JobRejected && isOver(error))) throw error;
        logger.info({ jobId, error: error.message }, 'a job had ended before the device reported its end');
      } else {
        // What the device has to say of it is not worth its end.
        logger.warn({ jobId, error: error.message }, 'the details of a job are not taken: they are left out');
        await this.#cloud.report(entry, status, { reason: 'the details were refused' });
      }
    }
    this.#hangUps = 0;
    await journal.clear();
    this.#entry = undefined;
    return true;
  }
}

export function operationOf({ operation }: Readonly<Record<string, unknown>>): string {
  return typeof operation === 'string' ? operation.slice(0, 64) : 'none';
}
