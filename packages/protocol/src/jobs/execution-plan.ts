import {
  isTerminal,
  type JobExecution,
  JobRefusal,
  type JobStatus,
  type StatusDetails,
  stateOf,
} from './job-execution.ts';

/** What is wanted of an execution. */
export interface ExecutionChange {
  /** Absent: it stays, and only what else is given changes. */
  status?: JobStatus;
  statusDetails?: StatusDetails;
  /** Only if the execution stands at this version. */
  expectedVersion?: number;
  /** From now on; -1 takes a step timer away. */
  stepTimeoutInMinutes?: number;
  /** Of the job: how long it may be in progress in all. */
  timeoutMinutes?: number;
}

const MINUTE = 60;

/**
 * The execution after a change. One that has ended stays as it is.
 *
 * @param now Seconds since 1970.
 * @throws JobRefusal: InvalidStateTransition, VersionMismatch.
 */
export function transition<E extends JobExecution>(execution: E, want: ExecutionChange, now: number): E {
  const { status = execution.status, expectedVersion, statusDetails } = want;
  if (expectedVersion !== undefined && expectedVersion !== execution.versionNumber) {
    throw new JobRefusal(
      'VersionMismatch',
      `the execution is at version ${execution.versionNumber}, not ${expectedVersion}`,
      stateOf(execution),
    );
  }
  if (isTerminal(execution.status) || (status === 'QUEUED' && execution.status !== 'QUEUED')) {
    throw new JobRefusal(
      'InvalidStateTransition',
      `an execution that is ${execution.status} cannot become ${status}`,
      stateOf(execution),
    );
  }
  const begins = status !== 'QUEUED' && execution.startedAt === undefined;
  const after: E = {
    ...execution,
    status,
    ...(statusDetails && { statusDetails }),
    ...(begins && { startedAt: now }),
    lastUpdatedAt: now,
    versionNumber: execution.versionNumber + 1,
  };
  return timed(after, want, now);
}

function timed<E extends JobExecution>(execution: E, want: ExecutionChange, now: number): E {
  const { deadline, stepDeadline, ...untimed } = execution;
  if (execution.status !== 'IN_PROGRESS') return untimed as E;
  const { timeoutMinutes, stepTimeoutInMinutes: step } = want;
  const begun = execution.startedAt ?? now;
  const whole = deadline ?? (timeoutMinutes === undefined ? undefined : begun + timeoutMinutes * MINUTE);
  const next = step === undefined ? stepDeadline : step < 0 ? undefined : now + step * MINUTE;
  return {
    ...(untimed as E),
    ...(whole === undefined ? {} : { deadline: whole }),
    ...(next === undefined ? {} : { stepDeadline: next }),
  };
}
