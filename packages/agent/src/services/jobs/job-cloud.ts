import { randomInt } from 'node:crypto';
import {
  type JobRejection,
  type JobStatus,
  jobTopic,
  parseJobAnswer,
  type StatusDetails,
} from '@ioto/protocol';
import { type Clock, CodedError } from '@ioto/runtime';
import { type AnswerFields, answerFields } from '../mqtt/answer-fields.ts';
import type { Publish } from '../mqtt/service.ts';

/** An execution as the cloud tells it, as far as the device needs it. */
export interface ToldExecution {
  jobId: string;
  executionNumber: number;
  document: Record<string, unknown>;
}

/** The cloud rejected a question about jobs. */
export class JobRejected extends CodedError {
  readonly rejection: JobRejection;

  constructor(rejection: JobRejection, message: string) {
    super('JOB_REJECTED', `the cloud rejected it (${rejection}): ${message}`);
    this.rejection = rejection;
  }
}

export interface JobCloudOptions {
  clock: Clock;
  id: string;
  /** Milliseconds for one answer. */
  timeout: number;
  /** Told whenever another job is next. */
  notified: () => void;
}

interface Question {
  resolve(fields: AnswerFields): void;
  reject(error: CodedError): void;
}

/** AWS IoT Jobs, as a device asks for them: answers find their questions by a token. */
export class JobCloud {
  readonly #options: JobCloudOptions;
  readonly #underWay = new Map<string, Question>();
  // At random, so that an answer to an earlier run, delivered late, is taken for none of this one's.
  #n = randomInt(1, 2 ** 40);
  #publish: Publish | undefined;

  constructor(options: JobCloudOptions) {
    this.#options = options;
  }

  /** What a device subscribes for its jobs. */
  static filters(id: string): string[] {
    const answers = [jobTopic.startNext(id), jobTopic.describe(id, '+'), jobTopic.update(id, '+')];
    return [jobTopic.notifyNext(id), ...answers.map((topic) => `${topic}/+`)];
  }

  get isConnected(): boolean {
    return this.#publish !== undefined;
  }

  connected(publish: Publish): void {
    this.#publish = publish;
  }

  /** Answers whether a question was under way. */
  disconnected(): boolean {
    this.#publish = undefined;
    const asked = this.#underWay.size > 0;
    for (const { reject } of [...this.#underWay.values()]) reject(offline());
    return asked;
  }

  received(topic: string, payload: Buffer): void {
    const message = parseJobAnswer(this.#options.id, topic);
    if (!message) return;
    if (message.outcome === 'notice') {
      this.#options.notified();
      return;
    }
    const fields = answerFields(payload);
    const question = this.#underWay.get(String(fields.clientToken));
    if (message.outcome === 'accepted') question?.resolve(fields);
    else question?.reject(rejectionOf(fields));
  }

  /** The next job, which is in progress from now on; undefined when there is none. @throws as `#ask`. */
  async startNext(): Promise<ToldExecution | undefined> {
    return executionIn(await this.#ask(jobTopic.startNext(this.#options.id), {}));
  }

  /** Whether an execution is still the device's to do. @throws as `#ask`. */
  async isPending(jobId: string): Promise<boolean> {
    try {
      await this.#ask(jobTopic.describe(this.#options.id, jobId), {});
      return true;
    } catch (error) {
      if (error instanceof JobRejected && isOver(error)) return false;
      throw error;
    }
  }

  /** @throws as `#ask`. */
  async report(
    { jobId, executionNumber }: Pick<ToldExecution, 'jobId' | 'executionNumber'>,
    status: JobStatus,
    statusDetails: StatusDetails,
  ): Promise<void> {
    await this.#ask(jobTopic.update(this.#options.id, jobId), { status, statusDetails, executionNumber });
  }

  /** @throws JobRejected; MQTT_OFFLINE, JOB_TIMEOUT, which may be asked again. */
  async #ask(topic: string, body: object): Promise<AnswerFields> {
    const { clock, timeout } = this.#options;
    const publish = this.#publish;
    if (!publish) throw offline();
    this.#n += 1;
    const clientToken = `ioto-${this.#n}`;
    let cancel: (() => void) | undefined;
    const answer = new Promise<AnswerFields>((resolve, reject) => {
      this.#underWay.set(clientToken, { resolve, reject });
      cancel = clock.after(timeout, () => reject(unanswered()), { unref: true });
    });
    publish(topic, JSON.stringify({ ...body, clientToken })).catch(() =>
      this.#underWay.get(clientToken)?.reject(offline()),
    );
    try {
      return await answer;
    } finally {
      cancel?.();
      this.#underWay.delete(clientToken);
    }
  }
}

/** True for a rejection by which the cloud says that an execution has ended without the device. */
export function isOver({ rejection }: JobRejected): boolean {
  return ['InvalidStateTransition', 'TerminalStateReached', 'ResourceNotFound'].includes(rejection);
}

function executionIn({ execution }: AnswerFields): ToldExecution | undefined {
  const { jobId, executionNumber = 1, jobDocument } = (execution ?? {}) as Record<string, unknown>;
  if (typeof jobId !== 'string') return undefined;
  const isObject = typeof jobDocument === 'object' && jobDocument !== null && !Array.isArray(jobDocument);
  return {
    jobId,
    executionNumber: Number(executionNumber),
    document: isObject ? (jobDocument as Record<string, unknown>) : {},
  };
}

function rejectionOf({ code, message }: AnswerFields): JobRejected {
  return new JobRejected(String(code) as JobRejection, String(message ?? ''));
}

function offline(): CodedError {
  return new CodedError('MQTT_OFFLINE', 'there is no connection to the cloud', { retryable: true });
}

function unanswered(): CodedError {
  return new CodedError('JOB_TIMEOUT', 'the cloud did not answer a question about jobs', { retryable: true });
}
