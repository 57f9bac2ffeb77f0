import type { KeyObject } from 'node:crypto';
import { accepted, answersOf, certificateTopic, rejected } from '@ioto/protocol';
import { type Clock, CodedError, sleep } from '@ioto/runtime';
import { makeCsr } from '../../identity/csr.ts';
import { type AnswerFields, answerFields } from '../mqtt/answer-fields.ts';

export interface AskingOptions {
  clock: Clock;
  id: string;
  /** Milliseconds for one answer. */
  timeout: number;
  connection: {
    subscribe(filters: readonly string[]): Promise<void>;
    publish(topic: string, payload: string): Promise<void>;
  };
}

/** Asks for certificates in the way of AWS's fleet provisioning: one question at a time, on topics without a number. */
export class Asking {
  readonly #options: AskingOptions;
  readonly #subscribed = new Set<string>();
  #waiting: { topic: string; settle: (answer: AnswerFields | CodedError) => void } | undefined;
  #connection = new AbortController();

  constructor(options: AskingOptions) {
    this.#options = options;
  }

  /** A connection is there, which knows nothing of subscriptions that this made on another. */
  begin(): void {
    this.#subscribed.clear();
    this.#connection = new AbortController();
  }

  /** It is over, and with it the wait for an answer: an endpoint may close on a question that it forbids. */
  end(): void {
    this.#connection.abort(
      new CodedError('MQTT_OFFLINE', 'the connection ended before the cloud answered', { retryable: true }),
    );
  }

  /** Takes an answer; what nobody waits for is a leftover. */
  answered(topic: string, payload: Buffer): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    const isRejected = topic === rejected(waiting.topic);
    if (!isRejected && topic !== accepted(waiting.topic)) return;
    waiting.settle(isRejected ? refused(answerFields(payload)) : answerFields(payload));
  }

  /**
   * A certificate for a key of the device, in PEM, and the token of its owner.
   *
   * @throws what the cloud rejects with, under `CERTIFICATE_REFUSED`; CERTIFICATE_TIMEOUT, MQTT_OFFLINE,
   * MQTT_FILTER_REFUSED, ANSWER_MALFORMED.
   */
  async certify(key: KeyObject): Promise<{ certificate: string; token: string }> {
    const body = { certificateSigningRequest: makeCsr(this.#options.id, key) };
    const answer = await this.#ask(certificateTopic.create('create-from-csr'), body);
    const { certificatePem, certificateOwnershipToken } = answer;
    if (typeof certificatePem === 'string' && typeof certificateOwnershipToken === 'string') {
      return { certificate: certificatePem, token: certificateOwnershipToken };
    }
    throw new CodedError('ANSWER_MALFORMED', 'the cloud’s answer holds no certificate');
  }

  /** Has a template activate it. @throws as `certify`. */
  async activate(template: string, token: string): Promise<void> {
    const { id } = this.#options;
    const parameters = { ThingName: id, SerialNumber: id };
    const body = { certificateOwnershipToken: token, parameters };
    await this.#ask(certificateTopic.provision(template), body);
  }

  async #ask(topic: string, body: object): Promise<AnswerFields> {
    const { clock, connection, timeout } = this.#options;
    const filter = answersOf(topic);
    if (!this.#subscribed.has(filter)) {
      await connection.subscribe([filter]);
      this.#subscribed.add(filter);
    }
    const over = new AbortController();
    const answer = new Promise<AnswerFields | CodedError>((settle) => {
      this.#waiting = { topic, settle };
    });
    const late = sleep(clock, timeout, AbortSignal.any([this.#connection.signal, over.signal])).then(
      () => new CodedError('CERTIFICATE_TIMEOUT', 'the cloud did not answer a request for a certificate'),
    );
    // It may fail while the publish is still under way, and nobody waits for it yet.
    late.catch(() => undefined);
    try {
      await connection.publish(topic, JSON.stringify(body));
      const outcome = await Promise.race([answer, late]);
      if (outcome instanceof CodedError) throw outcome;
      return outcome;
    } finally {
      this.#waiting = undefined;
      over.abort();
    }
  }
}

function refused({ errorCode = 'no code', errorMessage = '' }: AnswerFields): CodedError {
  return new CodedError('CERTIFICATE_REFUSED', `the cloud refused (${errorCode}): ${errorMessage}`);
}
