import { type JobExecution, JobRefusal, type JobStatus, type StatusDetails } from './job-execution.ts';

/** Bounds on what devices say of their jobs, and on what they are told. */
export const JOB_LIMITS = {
  jobId: /^[a-zA-Z0-9_-]{1,64}$/,
  /** Bytes of a job document. */
  document: 32 * 1024,
  /** Of statusDetails: pairs, bytes of a value and of all. AWS takes values of 1024 and no control characters. */
  pairs: 10,
  value: 8192,
  details: 32 * 1024,
  /** Minutes of a step timer, and of a job's timer. */
  minutes: 7 * 24 * 60,
  clientToken: 64,
  /** Entries of a notice about pending jobs. */
  listed: 15,
} as const;

const DETAIL_NAME = /^[a-zA-Z0-9:_-]{1,128}$/;
const DEVICE_STATUSES: readonly JobStatus[] = ['IN_PROGRESS', 'SUCCEEDED', 'FAILED', 'REJECTED'];

export interface JobRequest {
  clientToken?: string;
  status?: JobStatus;
  statusDetails?: StatusDetails;
  expectedVersion?: number;
  executionNumber?: number;
  includeJobExecutionState?: boolean;
  includeJobDocument?: boolean;
  stepTimeoutInMinutes?: number;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * What a device's message about jobs says. An empty one says nothing.
 *
 * @throws JobRefusal: InvalidJson, InvalidRequest.
 */
export function parseJobRequest(payload: Uint8Array): JobRequest {
  const fields = objectOf(payload);
  const { clientToken } = fields;
  if (clientToken !== undefined && !isText(clientToken, JOB_LIMITS.clientToken)) {
    throw invalid(`clientToken must be a text of at most ${JOB_LIMITS.clientToken} bytes`);
  }
  for (const name of ['expectedVersion', 'executionNumber', 'stepTimeoutInMinutes'] as const) {
    const value = fields[name];
    if (value !== undefined && !Number.isSafeInteger(value)) throw invalid(`${name} must be a whole number`);
  }
  for (const name of ['includeJobExecutionState', 'includeJobDocument'] as const) {
    const value = fields[name];
    if (value !== undefined && typeof value !== 'boolean') throw invalid(`${name} must be true or false`);
  }
  checkStatus(fields.status);
  checkStep(fields.stepTimeoutInMinutes);
  checkDetails(fields.statusDetails);
  return fields as JobRequest;
}

/** The token of a message that is of no use otherwise: its sender waits for an answer by it. */
export function clientTokenOf(payload: Uint8Array): string | undefined {
  try {
    const { clientToken } = objectOf(payload);
    return isText(clientToken, JOB_LIMITS.clientToken) ? clientToken : undefined;
  } catch {
    return undefined;
  }
}

function objectOf(payload: Uint8Array): Fields {
  if (payload.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    throw new JobRefusal('InvalidJson', 'the message is not JSON in UTF-8');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new JobRefusal('InvalidJson', 'the message is not a JSON object');
}

function checkStatus(status: unknown): void {
  if (status === undefined || DEVICE_STATUSES.includes(status as JobStatus)) return;
  throw invalid(`status must be one of ${DEVICE_STATUSES.join(', ')}`);
}

function checkStep(step: unknown): void {
  if (step === undefined || step === -1) return;
  if ((step as number) >= 1 && (step as number) <= JOB_LIMITS.minutes) return;
  throw invalid(`stepTimeoutInMinutes must be from 1 to ${JOB_LIMITS.minutes}, or -1 to take the timer away`);
}

function checkDetails(details: unknown): void {
  if (details === undefined) return;
  if (typeof details !== 'object' || details === null || Array.isArray(details)) {
    throw invalid('statusDetails must be an object of texts');
  }
  const pairs = Object.entries(details);
  if (pairs.length > JOB_LIMITS.pairs) throw invalid(`statusDetails may have ${JOB_LIMITS.pairs} entries`);
  let bytes = 0;
  for (const [name, value] of pairs) {
    if (!DETAIL_NAME.test(name) || !isText(value, JOB_LIMITS.value)) {
      throw invalid(
        `statusDetails: names have up to 128 letters, digits, : _ and -, and values are texts of up to ${JOB_LIMITS.value} bytes`,
      );
    }
    bytes += name.length + Buffer.byteLength(value);
  }
  if (bytes > JOB_LIMITS.details) throw invalid(`statusDetails may take ${JOB_LIMITS.details} bytes`);
}

function isText(value: unknown, bytes: number): value is string {
  return typeof value === 'string' && Buffer.byteLength(value) <= bytes;
}

function invalid(message: string): JobRefusal {
  return new JobRefusal('InvalidRequest', message);
}

/** How an execution is listed among the pending ones. */
export function summaryOf(execution: JobExecution) {
  const { jobId, executionNumber, versionNumber, lastUpdatedAt, queuedAt, startedAt } = execution;
  return {
    ...{ jobId, executionNumber, versionNumber, lastUpdatedAt, queuedAt },
    ...(startedAt === undefined ? {} : { startedAt }),
  };
}

/** How an execution is told whole; `document` where it is asked for. */
export function executionOf(thingName: string, execution: JobExecution, document?: unknown) {
  const { status, statusDetails } = execution;
  return {
    ...summaryOf(execution),
    thingName,
    status,
    ...(statusDetails && { statusDetails }),
    ...(document === undefined ? {} : { jobDocument: document }),
  };
}

/** The notice about pending ones, by status; `pending` is in order. */
export function noticeOf(pending: readonly JobExecution[]): Record<string, object[]> {
  const jobs: Record<string, object[]> = {};
  for (const execution of pending.slice(0, JOB_LIMITS.listed)) {
    jobs[execution.status] ??= [];
    jobs[execution.status]?.push(summaryOf(execution));
  }
  return jobs;
}
