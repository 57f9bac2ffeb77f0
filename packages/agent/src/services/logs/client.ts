import { CodedError } from '@ioto/runtime';
import type { AwsFetch, Keys } from '../../service-apis.ts';
import type { UrlAnswer } from '../url/fetch.ts';
import type { BatchTarget } from './batch.ts';

/** Milliseconds for an exchange: a megabyte over a slow line. */
const PATIENCE = 120_000;

/** What the cloud has done with events. */
export interface Accepted {
  /** Events that it did not take, since they are too old or too new, from the beginning and from the end. */
  tooOld: number;
  tooNew: number;
}

/** A refusal of CloudWatch Logs. */
export interface Refusal {
  code: string;
  message: string;
}

export type PutOutcome = { accepted: Accepted } | { refusal: Refusal };

/** Refusals that say nothing about what was sent: it is sent again. */
const PASSING = new Set([
  'ThrottlingException',
  'ServiceUnavailableException',
  'OperationAbortedException',
  'InternalFailure',
  'RequestTimeout',
]);
/** It has these events, from a time when its answer was lost. */
const ALREADY = 'DataAlreadyAcceptedException';

/** The CloudWatch Logs API, as far as a device needs it. */
export class LogsClient {
  readonly #keys: Keys;
  readonly #fetch: AwsFetch;

  constructor(keys: Keys, fetch: AwsFetch) {
    this.#keys = keys;
    this.#fetch = fetch;
  }

  /**
   * PutLogEvents. Refusals that are about what was sent are an outcome.
   *
   * @param length number of the events
   * @throws LOGS_UNAVAILABLE when it should be tried again, and what AwsFetch throws
   */
  async put(body: Uint8Array, length: number, signal: AbortSignal): Promise<PutOutcome> {
    const answer = await this.#call('PutLogEvents', body, signal);
    if (answer.status === 200) return { accepted: acceptedOf(answer, length) };
    const refusal = refusalOf(answer);
    if (refusal.code === ALREADY) return { accepted: { tooOld: 0, tooNew: 0 } };
    return { refusal: this.#lasting(answer, refusal) };
  }

  /** Makes the stream, and the group when it may and there is none. Returns why it could not be. @throws as `put` does */
  async create(target: BatchTarget, createGroup: boolean, signal: AbortSignal): Promise<Refusal | undefined> {
    const names = { logGroupName: target.group, logStreamName: target.stream };
    const refusal = await this.#make('CreateLogStream', names, signal);
    if (refusal?.code !== 'ResourceNotFoundException' || !createGroup) return refusal;
    const ofGroup = await this.#make('CreateLogGroup', { logGroupName: target.group }, signal);
    return ofGroup ?? this.#make('CreateLogStream', names, signal);
  }

  async #make(operation: string, input: object, signal: AbortSignal): Promise<Refusal | undefined> {
    const answer = await this.#call(operation, JSON.stringify(input), signal);
    if (answer.status === 200) return undefined;
    const refusal = refusalOf(answer);
    return refusal.code === 'ResourceAlreadyExistsException' ? undefined : this.#lasting(answer, refusal);
  }

  async #call(operation: string, body: string | Uint8Array, signal: AbortSignal): Promise<UrlAnswer> {
    const { region } = await this.#keys.get();
    const base = this.#keys.endpoints?.logs ?? `https://logs.${region}.amazonaws.com`;
    return this.#fetch({
      service: 'logs',
      url: new URL('/', base).href,
      target: `Logs_20140328.${operation}`,
      method: 'POST',
      body,
      timeout: PATIENCE,
      signal,
    });
  }

  #lasting({ status }: UrlAnswer, refusal: Refusal): Refusal {
    const { code, message } = refusal;
    // What is in between, such as a proxy, names no code of CloudWatch Logs.
    const isNamed = (status === 400 || status === 403) && code.endsWith('Exception');
    const isOfToken = /Token|Signature|Credential|Client/.test(code);
    if (status === 413 || (isNamed && !isOfToken && !PASSING.has(code))) return refusal;
    throw new CodedError('LOGS_UNAVAILABLE', `${code}: ${message}`, { retryable: true });
  }
}

function refusalOf({ status, headers, text }: UrlAnswer): Refusal {
  let body: { __type?: unknown; message?: unknown; Message?: unknown } = {};
  try {
    body = JSON.parse(text()) as typeof body;
  } catch {
    // No JSON: the status says all.
  }
  const named = String(body?.__type ?? headers['x-amzn-errortype'] ?? `HTTP ${status}`);
  const code = named.split(':')[0]?.split('#').at(-1) ?? named;
  return { code, message: String(body?.message ?? body?.Message ?? `the answer was ${status}`) };
}

function acceptedOf(answer: UrlAnswer, length: number): Accepted {
  let info: Record<string, unknown> | undefined;
  try {
    info = (JSON.parse(answer.text()) as { rejectedLogEventsInfo?: Record<string, unknown> })
      .rejectedLogEventsInfo;
  } catch {
    // Taken is taken, whatever it says of it.
  }
  const index = (name: string, fallback: number) => {
    const value = info?.[name];
    return typeof value === 'number' && value >= 0 && value <= length ? value : fallback;
  };
  const tooOld = Math.max(index('tooOldLogEventEndIndex', 0), index('expiredLogEventEndIndex', 0));
  return { tooOld, tooNew: length - index('tooNewLogEventStartIndex', length) };
}
