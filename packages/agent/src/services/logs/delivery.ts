import { Backoff, type Clock, isCodedError, type Logger, messageOf, sleep } from '@ioto/runtime';
import type { Batch } from './batch.ts';
import type { Accepted, LogsClient, PutOutcome, Refusal } from './client.ts';

/** Milliseconds before a batch goes out again, at first and at most. */
const FIRST_RETRY = 1000;
const LAST_RETRY = 120_000;

export type Delivered =
  | { outcome: 'accepted'; accepted: Accepted }
  /** The cloud will not take anything of this source. */
  | { outcome: 'refused'; refusal: Refusal }
  /** It does not take this batch as it is. */
  | { outcome: 'too much'; refusal: Refusal }
  /** The device has another owner, or is stopped. */
  | { outcome: 'stale' };

export interface DeliveryOptions {
  client: LogsClient;
  clock: Clock;
  logger: Logger;
  random: () => number;
  /** The account that has the device. */
  owner(): string | undefined;
}

/** Brings batches to the cloud, each as often as it takes. */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #backoff: Backoff;
  #isFailing = false;
  #isStopped = false;
  #hurry = new AbortController();

  constructor(options: DeliveryOptions) {
    this.#options = options;
    const { random } = options;
    this.#backoff = new Backoff({ first: FIRST_RETRY, limit: LAST_RETRY, random });
  }

  /** Ends the present wait: something says that the cloud is there. */
  hurry(): void {
    this.#hurry.abort();
    this.#hurry = new AbortController();
    this.#backoff.reset();
  }

  /** Tries nothing again; what is under way goes on. */
  stop(): void {
    this.#isStopped = true;
    this.#hurry.abort();
  }

  /** Resolves when the cloud has said something of the batch, however long that takes. Never rejects. */
  async deliver(batch: Batch, create: boolean, signal: AbortSignal): Promise<Delivered> {
    const owner = this.#options.owner();
    while (!signal.aborted && !this.#isStopped && this.#options.owner() === owner) {
      try {
        const delivered = await this.#attempt(batch, create, signal);
        this.#succeed();
        return delivered;
      } catch (error) {
        if (signal.aborted || this.#isStopped) break;
        await this.#fail(error, signal);
      }
    }
    return { outcome: 'stale' };
  }

  async #attempt(batch: Batch, create: boolean, signal: AbortSignal): Promise<Delivered> {
    const { client } = this.#options;
    let outcome = await client.put(batch.body(), batch.count, signal);
    if (codeOf(outcome) === 'ResourceNotFoundException') {
      const refusal = await client.create(batch.target, create, signal);
      if (refusal) return { outcome: 'refused', refusal };
      outcome = await client.put(batch.body(), batch.count, signal);
    }
    if ('accepted' in outcome) return { outcome: 'accepted', ...outcome };
    const { refusal } = outcome;
    const isTooMuch = ['InvalidParameterException', 'SerializationException'].includes(refusal.code);
    return { outcome: isTooMuch || !refusal.code.endsWith('Exception') ? 'too much' : 'refused', refusal };
  }

  #succeed(): void {
    this.#backoff.reset();
    if (this.#isFailing) this.#options.logger.info({}, 'lines of logs are in the cloud again');
    this.#isFailing = false;
  }

  async #fail(error: unknown, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    const code = isCodedError(error) ? error.code : undefined;
    if (!this.#isFailing) {
      logger.warn({ code, problem: messageOf(error) }, 'lines of logs cannot be sent: they wait');
    }
    this.#isFailing = true;
    const either = AbortSignal.any([signal, this.#hurry.signal]);
    await sleep(clock, this.#backoff.next(), either).catch(() => undefined);
  }
}

function codeOf(outcome: PutOutcome): string | undefined {
  return 'refusal' in outcome ? outcome.refusal.code : undefined;
}
