import { CodedError, isCodedError } from '@ioto/runtime';
import { type IdentityKey, signatureHeader } from '../identity/identity-key.ts';
import type { UrlAnswer, UrlFetch } from '../services/url/fetch.ts';
import type { ServerTime } from './server-time.ts';

export interface DeviceApiOptions {
  fetch: UrlFetch;
  serverTime: ServerTime;
  key: IdentityKey;
  /** Milliseconds for a call that does not say. */
  timeout: number;
}

export interface DeviceCall {
  url: string;
  /** The product or token that authorizes the call. */
  bearer: string;
  body: Record<string, unknown>;
  /** Milliseconds. */
  timeout?: number;
  signal?: AbortSignal;
}

/** How a device calls builder and cloud: JSON both ways, a bearer, and the proof that it is this device. */
export class DeviceApi {
  readonly #options: DeviceApiOptions;

  constructor(options: DeviceApiOptions) {
    this.#options = options;
  }

  /**
   * Posts and returns the object of the answer.
   *
   * @throws a CodedError with the peer's own code where it gave one, `status`, and `retryAfter` in milliseconds when the peer
   * said how long to wait; URL_… errors when there was no answer.
   */
  async post(call: DeviceCall): Promise<Record<string, unknown>> {
    try {
      return await this.#postOnce(call);
    } catch (error) {
      // The Date of that answer has been taken over: once more, dated by the cloud's clock.
      if (isCodedError(error, 'SIGNATURE_DATE')) return this.#postOnce(call);
      throw error;
    }
  }

  async #postOnce({ url, bearer, body, timeout, signal }: DeviceCall): Promise<Record<string, unknown>> {
    const { fetch, serverTime, key } = this.#options;
    const text = JSON.stringify(body);
    const { pathname, search } = new URL(url);
    const answer = await fetch(url, {
      method: 'POST',
      body: text,
      headers: {
        authorization: `bearer ${bearer}`,
        'content-type': 'application/json',
        // Asks for proper statuses where agents of old are answered 200 (Ioto contract §3).
        'ioto-agent': '2',
        ...signatureHeader(key, { method: 'POST', path: pathname + search, body: text }, serverTime.now()),
      },
      timeout: timeout ?? this.#options.timeout,
      signal,
    });
    serverTime.observe(answer.headers.date);
    return readAnswer(answer, url);
  }
}

/** The object of an answer. An `error` is a refusal whatever the status, as `{ error, delay }` comes with 200. */
function readAnswer(answer: UrlAnswer, url: string): Record<string, unknown> {
  const body = objectIn(answer);
  if (answer.status >= 200 && answer.status < 300 && body && typeof body.error !== 'string') return body;
  const { host } = new URL(url);
  const said = typeof body?.error === 'string' ? body.error.slice(0, 500) : 'no explanation';
  throw new CodedError(
    typeof body?.code === 'string' ? body.code.slice(0, 64) : defaultCode(answer.status),
    `${host} refused (${answer.status}): ${said}`,
    { status: answer.status, retryAfter: retryAfter(answer, body), retryable: answer.status >= 500 },
  );
}

function objectIn(answer: UrlAnswer): Record<string, unknown> | undefined {
  try {
    const value = answer.json();
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function defaultCode(status: number): string {
  return status >= 200 && status < 300 ? 'ANSWER_MALFORMED' : `HTTP_${status}`;
}

/** Milliseconds that the peer asked to wait: `delay` of the body, or Retry-After, in seconds or as a date. */
function retryAfter(answer: UrlAnswer, body: Record<string, unknown> | undefined): number | undefined {
  const delay = Number(body?.delay);
  if (body?.delay !== undefined && Number.isFinite(delay) && delay >= 0) return delay * 1000;
  const header = answer.headers['retry-after'];
  if (header === undefined) return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds) && seconds >= 0) return seconds * 1000;
  const wait = Date.parse(header) - Date.parse(answer.headers.date ?? '');
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}
