import {
  type ExecutionChange,
  executionOf,
  inOrder,
  isTerminal,
  type JobExecution,
  JobRefusal,
  type JobRequest,
  jobTopic,
  NEXT_JOB,
  noticeOf,
  stateOf,
  summaryOf,
  transition,
} from '@ioto/protocol';
import type { Clock } from '@ioto/runtime';
import { Turns } from '../devices/turns.ts';
import { TokenBuckets } from '../limits/token-bucket.ts';
import type { DeviceEndpoint } from '../ports/device-endpoint.ts';
import type { ItemStore, StoredKey } from '../ports/item-store.ts';
import {
  changeWrites,
  executionKey,
  fieldsOf,
  type Job,
  type JobRecords,
  jobKey,
  type StoredExecution,
} from './job-records.ts';

/** Requests that one device, or the tools of one account, may make: more than its jobs need, and too few to slow those of others. */
const REQUESTS = { burst: 100, period: 10_000 };

export interface DeviceJobsOptions {
  store: Pick<ItemStore, 'update'>;
  records: JobRecords;
  endpoint: Pick<DeviceEndpoint, 'publish' | 'hasSubscribers'>;
  clock: Clock;
}

export interface Device {
  accountId: string;
  deviceId: string;
}

type Answer = Record<string, unknown>;

/** The jobs of devices: what they ask and report, by MQTT and HTTP alike, and what they are told when it changes. */
export class DeviceJobs {
  readonly #options: DeviceJobsOptions;
  readonly #turns = new Turns();
  readonly #requests: TokenBuckets;

  constructor(options: DeviceJobsOptions) {
    this.#options = options;
    this.#requests = new TokenBuckets({ clock: options.clock, rule: REQUESTS });
  }

  /** Counts a request of whoever asks, by a name of its own. @throws JobRefusal: RequestThrottled. */
  admit(caller: string): void {
    if (this.#requests.take(caller) === 0) return;
    throw new JobRefusal(
      'RequestThrottled',
      `one may ask ${REQUESTS.burst} times in ${REQUESTS.period / 1000} seconds`,
    );
  }

  /** What waits, and what is in progress. */
  async pending(device: Device): Promise<Answer> {
    const pending = await this.#pending(device);
    const of = (status: JobExecution['status']) =>
      pending.filter((execution) => execution.status === status).map(summaryOf);
    return { inProgressJobs: of('IN_PROGRESS'), queuedJobs: of('QUEUED') };
  }

  /** The next execution, which is in progress from now on; it stays as it is where it was that before. */
  startNext(device: Device, { statusDetails, stepTimeoutInMinutes }: JobRequest): Promise<Answer> {
    return this.#inTurn(device, async () => {
      const [next] = await this.#pending(device);
      if (!next) return {};
      const want = { status: 'IN_PROGRESS' as const, statusDetails, stepTimeoutInMinutes };
      const begun = next.status === 'IN_PROGRESS' ? next : (await this.#change(next, want)).after;
      return this.#told(begun, true);
    });
  }

  /** @throws JobRefusal: ResourceNotFound, TerminalStateReached. */
  async describe(device: Device, jobId: string, request: JobRequest): Promise<Answer> {
    const withDocument = request.includeJobDocument !== false;
    if (jobId === NEXT_JOB) {
      const [next] = await this.#pending(device);
      return next ? this.#told(next, withDocument) : {};
    }
    const execution = await this.#options.records.execution({ ...device, jobId });
    if (!execution || isOther(execution, request)) throw notFound(jobId);
    if (isTerminal(execution.status)) {
      throw new JobRefusal(
        'TerminalStateReached',
        `the execution is ${execution.status}`,
        stateOf(execution),
      );
    }
    return this.#told(execution, withDocument);
  }

  /** @throws JobRefusal: InvalidRequest, ResourceNotFound, InvalidStateTransition, VersionMismatch. */
  update(device: Device, jobId: string, request: JobRequest): Promise<Answer> {
    const { status, statusDetails, expectedVersion, stepTimeoutInMinutes } = request;
    if (status === undefined) throw new JobRefusal('InvalidRequest', 'status is missing');
    const want = { status, statusDetails, expectedVersion, stepTimeoutInMinutes };
    return this.#inTurn(device, async () => {
      const { after, job } = await this.#change({ ...device, jobId }, want, request);
      return {
        ...(request.includeJobExecutionState ? { executionState: stateOf(after) } : {}),
        ...(request.includeJobDocument && job ? { jobDocument: job.document } : {}),
      };
    });
  }

  /**
   * Brings an execution to an end that its device has not reported, unless it has ended; whether it does is asked in the
   * device's turn.
   */
  end(
    device: Device & { jobId: string },
    want: Required<Pick<ExecutionChange, 'status'>> & ExecutionChange,
    applies: (execution: StoredExecution) => boolean = () => true,
  ): Promise<boolean> {
    return this.#inTurn(device, async () => {
      const execution = await this.#options.records.execution(device);
      if (!execution || isTerminal(execution.status) || !applies(execution)) return false;
      await this.#change(device, want);
      return true;
    });
  }

  /** The device leaves its account, and its next owner is not to get what waits for it. May be done twice. */
  async leave(device: Device): Promise<void> {
    const statusDetails = { reason: 'the device was released' };
    for (const { jobId } of await this.#pending(device)) {
      await this.end({ ...device, jobId }, { status: 'REMOVED', statusDetails });
    }
  }

  /** Lets `queue` put an execution into the device's queue, and tells the device. */
  async queued(device: Device, queue: () => Promise<void>): Promise<void> {
    await this.#inTurn(device, queue);
  }

  async #pending({ accountId, deviceId }: Device): Promise<StoredExecution[]> {
    return inOrder(await this.#options.records.pending(accountId, deviceId));
  }

  async #told(execution: StoredExecution, withDocument: boolean): Promise<Answer> {
    const { accountId, deviceId, jobId } = execution;
    const job = withDocument ? await this.#options.records.job(accountId, jobId) : undefined;
    return { execution: executionOf(deviceId, execution, job?.document) };
  }

  async #change(
    { accountId, deviceId, jobId }: Device & { jobId: string },
    want: ExecutionChange,
    request: JobRequest = {},
  ): Promise<{ after: StoredExecution; job: Job | undefined }> {
    const { store, clock } = this.#options;
    const keys: StoredKey[] = [executionKey({ accountId, deviceId, jobId }), jobKey(accountId, jobId)];
    let done: { after: StoredExecution; job: Job | undefined } | undefined;
    await store.update(keys, ([item, of]) => {
      const [before, job] = [fieldsOf<StoredExecution>(item), fieldsOf<Job>(of)];
      if (!before || isOther(before, request)) throw notFound(jobId);
      const now = clock.now();
      const change = { ...want, timeoutMinutes: job?.timeoutMinutes };
      const after = transition(before, change, seconds(now));
      done = { after, job };
      return changeWrites(before, after, job, now);
    });
    if (!done) throw notFound(jobId);
    return done;
  }

  /** What is done to a device's jobs is done one after the other, and it is told what that changed. */
  #inTurn<T>(device: Device, run: () => Promise<T>): Promise<T> {
    return this.#turns.run(`${device.accountId} ${device.deviceId}`, async () => {
      const listens = this.#isHeard(device);
      const before = listens ? await this.#pending(device) : [];
      const outcome = await run();
      // One that came meanwhile asks by itself.
      if (listens) await this.#tell(device, before);
      return outcome;
    });
  }

  #isHeard({ deviceId }: Device): boolean {
    return this.#options.endpoint.hasSubscribers(jobTopic.root(deviceId));
  }

  async #tell(device: Device, before: readonly StoredExecution[]): Promise<void> {
    const { endpoint, clock } = this.#options;
    const after = await this.#pending(device);
    const timestamp = seconds(clock.now());
    const list = (pending: readonly StoredExecution[]) =>
      pending.map(({ jobId, status }) => `${jobId} ${status}`).join();
    if (list(before) !== list(after)) {
      const notice = { jobs: noticeOf(after), timestamp };
      endpoint.publish(jobTopic.notify(device.deviceId), JSON.stringify(notice));
    }
    const [next] = after;
    if (before[0]?.jobId === next?.jobId) return;
    const told = next ? await this.#told(next, true) : {};
    endpoint.publish(jobTopic.notifyNext(device.deviceId), JSON.stringify({ timestamp, ...told }));
  }
}

export function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

function isOther({ executionNumber }: JobExecution, request: JobRequest): boolean {
  return request.executionNumber !== undefined && request.executionNumber !== executionNumber;
}

function notFound(jobId: string): JobRefusal {
  return new JobRefusal('ResourceNotFound', `this thing has no execution of a job ${jobId.slice(0, 64)}`);
}
