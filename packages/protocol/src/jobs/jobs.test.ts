import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ExecutionChange, transition } from './execution-plan.ts';
import {
  deadlineOf,
  inOrder,
  isTerminal,
  JOB_STATUSES,
  type JobExecution,
  type JobStatus,
} from './job-execution.ts';
import { clientTokenOf, noticeOf, parseJobRequest } from './job-messages.ts';
import { jobTopic, parseJobAnswer, parseJobPath } from './job-topics.ts';

const QUEUED: JobExecution = {
  ...{ jobId: 'j', executionNumber: 1, status: 'QUEUED' },
  ...{ queuedAt: 100, lastUpdatedAt: 100, versionNumber: 1 },
};
const request = (value: unknown) => parseJobRequest(Buffer.from(JSON.stringify(value)));
const code = (value: string) => expect.objectContaining({ code: value });

describe('the topics of jobs', () => {
  it('are read as they are built', () => {
    const pathOf = (topic: string) => topic.slice(jobTopic.all('T').length).split('/');
    expect(parseJobPath(pathOf(jobTopic.pending('T')))).toEqual({ verb: 'get' });
    expect(parseJobPath(pathOf(jobTopic.startNext('T')))).toEqual({ verb: 'start-next' });
    expect(parseJobPath(pathOf(jobTopic.describe('T', '$next')))).toEqual({
      verb: 'describe',
      jobId: '$next',
    });
    expect(parseJobPath(pathOf(jobTopic.update('T', 'j')))).toEqual({ verb: 'update', jobId: 'j' });
  });

  it.each([[], ['notify'], ['j', 'remove'], ['get', 'accepted'], ['j', 'get', 'accepted'], ['']])(
    '%j asks for nothing',
    (...path) => expect(parseJobPath(path as string[])).toBeUndefined(),
  );

  it('of answers tell what they answer', () => {
    expect(parseJobAnswer('T', `${jobTopic.update('T', 'j')}/accepted`)).toEqual({
      path: ['j', 'update'],
      outcome: 'accepted',
    });
    expect(parseJobAnswer('T', jobTopic.notifyNext('T'))).toEqual({
      path: ['notify-next'],
      outcome: 'notice',
    });
    expect(parseJobAnswer('T', jobTopic.notify('U'))).toBeUndefined();
  });
});

describe('an execution', () => {
  it('that has ended stays as it is, and every change raises its version', () => {
    const status = fc.constantFrom<JobStatus>(...JOB_STATUSES);
    const change: fc.Arbitrary<ExecutionChange> = fc.record(
      { status, expectedVersion: fc.integer({ min: 1, max: 3 }), timeoutMinutes: fc.constant(5) },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        let execution = QUEUED;
        for (const [at, want] of changes.entries()) {
          const before = execution;
          try {
            execution = transition(before, want, 200 + at);
          } catch (error) {
            expect((error as { state: object }).state).toMatchObject({ versionNumber: before.versionNumber });
            continue;
          }
          expect(isTerminal(before.status)).toBe(false);
          expect(execution.versionNumber).toBe(before.versionNumber + 1);
          expect(execution.status).toBe(want.status ?? before.status);
          // Only what runs can time out, and what was begun stays so.
          expect(deadlineOf(execution) === undefined || execution.status === 'IN_PROGRESS').toBe(true);
          expect(execution.startedAt ?? before.startedAt).toBe(execution.startedAt);
        }
      }),
    );
  });

  it('is changed only at the version that was expected', () => {
    expect(() => transition(QUEUED, { status: 'FAILED', expectedVersion: 2 }, 1)).toThrow(
      code('VersionMismatch'),
    );
    expect(transition(QUEUED, { status: 'FAILED', expectedVersion: 1 }, 1).status).toBe('FAILED');
  });

  it('ends by the timer of its job or of its step, whichever is earlier', () => {
    const running = transition(QUEUED, { status: 'IN_PROGRESS', timeoutMinutes: 10 }, 1000);
    expect(deadlineOf(running)).toBe(1600);
    const stepping = transition(running, { stepTimeoutInMinutes: 2 }, 1060);
    expect(deadlineOf(stepping)).toBe(1180);
    // The time of the whole job goes on from its beginning.
    const later = transition(stepping, { stepTimeoutInMinutes: 60, timeoutMinutes: 10 }, 1100);
    expect(deadlineOf(later)).toBe(1600);
    expect(deadlineOf(transition(stepping, { stepTimeoutInMinutes: -1 }, 1100))).toBe(1600);
    expect(deadlineOf(transition(stepping, { status: 'SUCCEEDED' }, 1100))).toBeUndefined();
  });

  it('that is in progress goes before those that wait, the longest first', () => {
    const each = (jobId: string, status: JobStatus, queuedAt: number) => ({
      ...QUEUED,
      jobId,
      status,
      queuedAt,
    });
    const pending = inOrder([each('b', 'QUEUED', 2), each('a', 'QUEUED', 2), each('c', 'IN_PROGRESS', 3)]);
    expect(pending.map(({ jobId }) => jobId)).toEqual(['c', 'a', 'b']);
    expect(Object.keys(noticeOf(pending))).toEqual(['IN_PROGRESS', 'QUEUED']);
    const many = Array.from({ length: 20 }, (_, n) => each(`j${n}`, 'QUEUED', n));
    expect(noticeOf(many).QUEUED).toHaveLength(15);
  });
});

describe('a request about jobs', () => {
  it('may be empty', () => expect(parseJobRequest(Buffer.alloc(0))).toEqual({}));

  it.each(['x', '[]', '"text"', 'null'])('%s is no JSON object, and is told so', (text) => {
    expect(() => parseJobRequest(Buffer.from(text))).toThrow(code('InvalidJson'));
  });

  it.each([
    { clientToken: 1 },
    { clientToken: 'x'.repeat(65) },
    { status: 'QUEUED' },
    { status: 'DONE' },
    { expectedVersion: '1' },
    { executionNumber: 1.5 },
    { includeJobDocument: 'yes' },
    { stepTimeoutInMinutes: 0 },
    { stepTimeoutInMinutes: 10_081 },
    { statusDetails: [] },
    { statusDetails: { step: 1 } },
    { statusDetails: { 'a b': 'c' } },
    { statusDetails: { step: 'x'.repeat(8193) } },
    { statusDetails: Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`n${n}`, ''])) },
    { statusDetails: Object.fromEntries(Array.from({ length: 5 }, (_, n) => [`n${n}`, 'x'.repeat(8000)])) },
  ])('%j is refused with what is wrong with it', (value) => {
    expect(() => request(value)).toThrow(code('InvalidRequest'));
  });

  it('that is refused is answered by its token all the same', () => {
    expect(clientTokenOf(Buffer.from('{"clientToken":"t","status":1}'))).toBe('t');
    expect(clientTokenOf(Buffer.from('{"clientToken":1}'))).toBeUndefined();
    expect(clientTokenOf(Buffer.from('x'))).toBeUndefined();
  });
});
