import { randomInt } from 'node:crypto';
import { serviceTopic } from '@ioto/protocol';
import { type Clock, CodedError } from '@ioto/runtime';
import type { ConnectionUser, Publish } from './service.ts';

export interface RequestsOptions {
  clock: Clock;
  id: string;
  /** Milliseconds to wait for an answer, unless the question says otherwise. */
  timeout: number;
}

export interface AskOptions {
  /** Milliseconds. */
  timeout?: number;
}

/** Asks the cloud; resolves with the bare text of its answer. */
export type Ask = (
  request: string,
  body: Readonly<Record<string, unknown>>,
  options?: AskOptions,
) => Promise<string>;

/** Questions under way beyond this are refused, so that a loop of the product's own logic fills no memory. */
const MOST_UNDER_WAY = 1000;

interface Question {
  resolve(answer: string): void;
  reject(error: CodedError): void;
}

/** Questions to the cloud, each answered on a topic of the same name and number (Ioto contract §7). */
export class Requests implements ConnectionUser {
  readonly #options: RequestsOptions;
  readonly #underWay = new Map<string, Question>();
  // At random, so that an answer to an earlier run, delivered late, is taken for none of this one's.
  #n = randomInt(1, 2 ** 40);
  #publish: Publish | undefined;

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  connected(publish: Publish): void {
    this.#publish = publish;
  }

  /** What is not answered by now never will be: the next connection asks anew. */
  disconnected(): void {
    this.#publish = undefined;
    for (const { reject } of [...this.#underWay.values()]) reject(offline());
  }

  /**
   * @throws MQTT_OFFLINE without a connection, or when it ends before the answer; REQUEST_TIMEOUT, also from a cloud that
   * does not know the request, for it says nothing; REQUEST_LIMIT. All may be tried again.
   */
  readonly ask: Ask = async (request, body, { timeout = this.#options.timeout } = {}) => {
    const publish = this.#publish;
    if (!publish) throw offline();
    if (this.#underWay.size >= MOST_UNDER_WAY) {
      throw new CodedError(
        'REQUEST_LIMIT',
        `${MOST_UNDER_WAY} questions to the cloud wait for their answers`,
        {
          retryable: true,
        },
      );
    }
    this.#n += 1;
    const n = String(this.#n);
    const key = keyOf(request, n);
    let cancel: (() => void) | undefined;
    const answer = new Promise<string>((resolve, reject) => {
      this.#underWay.set(key, { resolve, reject });
      cancel = this.#options.clock.after(timeout, () => reject(unanswered(request, timeout)));
    });
    publish(serviceTopic.request(this.#options.id, request, n), JSON.stringify(body)).catch(() =>
      this.#underWay.get(key)?.reject(offline()),
    );
    try {
      return await answer;
    } finally {
      cancel?.();
      this.#underWay.delete(key);
    }
  };

  /** An answer came. One that nobody waits for any more is dropped. */
  answered(request: string, n: string, payload: Buffer): void {
    this.#underWay.get(keyOf(request, n))?.resolve(payload.toString('utf8'));
  }
}

const keyOf = (request: string, n: string) => `${request}/${n}`;

function offline(): CodedError {
  return new CodedError('MQTT_OFFLINE', 'there is no connection to the cloud', { retryable: true });
}

function unanswered(request: string, timeout: number): CodedError {
  return new CodedError('REQUEST_TIMEOUT', `the cloud did not answer ${request} within ${timeout} ms`, {
    retryable: true,
  });
}
