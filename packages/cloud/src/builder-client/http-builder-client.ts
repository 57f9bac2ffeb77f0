import type {
  BindRequest,
  CloudRecord,
  CloudRegisterRequest,
  FindAnswer,
  FindRequest,
  Registration,
  ReleaseRequest,
} from '@ioto/protocol';
import { CodedError, type Component, errorCatalogue, messageOf, systemCode } from '@ioto/runtime';
import { Agent } from 'undici';
import type { BuilderClient } from '../ports/builder-client.ts';

const fail = errorCatalogue({
  BUILDER_UNREACHABLE: { status: 503, retryable: true },
  BUILDER_FAILED: { status: 503, retryable: true },
  BUILDER_REFUSES_CLOUD: { status: 503, retryable: true },
});

/** Milliseconds for an answer, beyond what a long poll asks for. */
const ANSWER_TIMEOUT = 15_000;
/** The connection ended before the answer. */
const BROKEN = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);
/** OpenSSL's verdicts on a certificate that nobody who is trusted has signed, as Node names them. */
const UNTRUSTED = /SELF_SIGNED|UNABLE_TO_/;
const LARGEST_ANSWER = 8 * 1024 * 1024;

export interface HttpBuilderClientOptions {
  /** Base of the builder's API, with its `/api`. Asked at each request: a builder in this process gets its port at start. */
  base: () => string;
  /** The cloud key. */
  key: () => string;
  /** PEM of the authority that the builder is trusted by; undefined trusts the system's. Asked once, at start. */
  authority: () => string | undefined;
  /** Name that the builder's certificate must carry, where `base` is an address. */
  serverName?: string;
}

/** The builder's API for device clouds over HTTPS; the same whether the builder is another process or this one. */
export class HttpBuilderClient implements Component, BuilderClient {
  readonly name = 'builder client';
  readonly #options: HttpBuilderClientOptions;
  #agent: Agent | undefined;

  constructor(options: HttpBuilderClientOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { authority, serverName } = this.#options;
    this.#agent = new Agent({
      connect: { ca: authority(), timeout: 10_000, ...(serverName ? { servername: serverName } : {}) },
      connections: 64,
      keepAliveTimeout: 30_000,
      maxResponseSize: LARGEST_ANSWER,
    });
  }

  async stop(): Promise<void> {
    const agent = this.#agent;
    this.#agent = undefined;
    await agent?.destroy();
  }

  register(request: CloudRegisterRequest): Promise<CloudRecord> {
    return this.#post<CloudRecord>('register', request);
  }

  bind(request: BindRequest): Promise<Registration> {
    return this.#post<Registration>('bind', request);
  }

  async release(request: ReleaseRequest): Promise<void> {
    await this.#post('release', request);
  }

  find(request: FindRequest, signal?: AbortSignal): Promise<FindAnswer> {
    return this.#post<FindAnswer>('find', request, { signal, wait: (request.wait ?? 0) * 1000 });
  }

  async #post<T>(
    verb: string,
    body: object,
    { signal, wait = 0 }: { signal?: AbortSignal; wait?: number } = {},
  ): Promise<T> {
    const { status, retryAfter, answer } = await this.#exchange(verb, body, { signal, wait });
    if (status >= 200 && status < 300 && typeof answer === 'object' && answer !== null) return answer as T;
    throw refusal(status, retryAfter, answer);
  }

  async #exchange(
    verb: string,
    body: object,
    { signal, wait }: { signal?: AbortSignal; wait: number },
  ): Promise<{ status: number; retryAfter: number | undefined; answer: unknown }> {
    const { base, key } = this.#options;
    const agent = this.#agent;
    if (!agent) throw fail('BUILDER_UNREACHABLE', 'the builder client has not been started');
    const url = new URL(`${base()}/cloud/${verb}`);
    const ask = () =>
      agent.request({
        origin: url.origin,
        path: url.pathname,
        method: 'POST',
        headers: { authorization: `bearer ${key()}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        headersTimeout: wait + ANSWER_TIMEOUT,
        bodyTimeout: ANSWER_TIMEOUT,
        signal,
      });
    try {
      // A kept connection may have been closed at the other end just now. Asking twice is safe for every verb.
      const response = await ask().catch((error) => {
        if (!BROKEN.has(systemCode(error) ?? '')) throw error;
        return ask();
      });
      const seconds = Number(response.headers['retry-after']);
      const answer = await response.body.json().catch(() => undefined);
      return { status: response.statusCode, retryAfter: seconds > 0 ? seconds * 1000 : undefined, answer };
    } catch (error) {
      signal?.throwIfAborted();
      const hint = UNTRUSTED.test(systemCode(error) ?? '')
        ? ': name its authority with --builder-authority'
        : '';
      throw fail(
        'BUILDER_UNREACHABLE',
        `the builder at ${url.origin} cannot be asked: ${messageOf(error)}${hint}`,
        {
          cause: error,
        },
      );
    }
  }
}

/** The builder's own code goes on to the user, unless it is about this cloud rather than about what the user asked. */
function refusal(status: number, retryAfter: number | undefined, answer: unknown): CodedError {
  const { error, code } = (answer ?? {}) as { error?: unknown; code?: unknown };
  const message = typeof error === 'string' ? error : `the builder answered ${status}`;
  if (status === 401 || status === 403) {
    return fail('BUILDER_REFUSES_CLOUD', `the builder refuses the key of this cloud: ${message}`);
  }
  if (status >= 500 || status < 400)
    return fail('BUILDER_FAILED', `the builder failed: ${message}`, { retryAfter });
  const retryable = status === 429;
  return new CodedError(typeof code === 'string' ? code : 'BUILDER_REFUSED', message, {
    status,
    retryAfter,
    retryable,
  });
}
