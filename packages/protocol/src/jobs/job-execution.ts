import { CodedError } from '@ioto/runtime';

export type JobStatus =
  | 'QUEUED'
  | 'IN_PROGRESS'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'TIMED_OUT'
  | 'REJECTED'
  | 'REMOVED'
  | 'CANCELED';

export const JOB_STATUSES: readonly JobStatus[] = [
  ...(['QUEUED', 'IN_PROGRESS', 'SUCCEEDED', 'FAILED'] as const),
  ...(['TIMED_OUT', 'REJECTED', 'REMOVED', 'CANCELED'] as const),
];

/** Why a request about jobs was rejected, in AWS's words. */
export type JobRejection =
  | 'InvalidTopic'
  | 'InvalidJson'
  | 'InvalidRequest'
  | 'InvalidStateTransition'
  | 'ResourceNotFound'
  | 'VersionMismatch'
  | 'InternalError'
  | 'RequestThrottled'
  | 'TerminalStateReached';

export type StatusDetails = Readonly<Record<string, string>>;

/** One device's part in a job. Times are seconds since 1970, as AWS says them. */
export interface JobExecution {
  jobId: string;
  executionNumber: number;
  status: JobStatus;
  statusDetails?: StatusDetails;
  queuedAt: number;
  startedAt?: number;
  lastUpdatedAt: number;
  /** Raised by every change. */
  versionNumber: number;
  /** When it times out, by the job and by the step that the device named. */
  deadline?: number;
  stepDeadline?: number;
}

export interface JobExecutionState {
  status: JobStatus;
  statusDetails?: StatusDetails;
  versionNumber: number;
}

/** A request about jobs that is rejected; `state` is how the execution stands, where that is why. */
export class JobRefusal extends CodedError {
  override readonly code: JobRejection;
  readonly state: JobExecutionState | undefined;

  constructor(code: JobRejection, message: string, state?: JobExecutionState) {
    super(code, message);
    this.code = code;
    this.state = state;
  }
}

export function isTerminal(status: JobStatus): boolean {
  return status !== 'QUEUED' && status !== 'IN_PROGRESS';
}

export function stateOf({ status, statusDetails, versionNumber }: JobExecution): JobExecutionState {
  return { status, ...(statusDetails && { statusDetails }), versionNumber };
}

/** Earliest end of an execution, seconds. */
export function deadlineOf({ deadline, stepDeadline }: JobExecution): number | undefined {
  if (deadline === undefined || stepDeadline === undefined) return deadline ?? stepDeadline;
  return Math.min(deadline, stepDeadline);
}

/** Of the pending ones in the order in which a device does them: those in progress, then by the time they were queued. */
export function inOrder<E extends Pick<JobExecution, 'status' | 'queuedAt' | 'jobId'>>(
  pending: readonly E[],
): E[] {
  const rank = ({ status }: E) => (status === 'IN_PROGRESS' ? 0 : 1);
  return [...pending].sort(
    (a, b) => rank(a) - rank(b) || a.queuedAt - b.queuedAt || (a.jobId < b.jobId ? -1 : 1),
  );
}
