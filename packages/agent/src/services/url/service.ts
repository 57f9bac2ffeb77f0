import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { type Clock, type Component, messageOf, systemCode } from '@ioto/runtime';
import { urlError } from './errors.ts';
import type { UrlAnswer, UrlFetch, UrlRequest } from './fetch.ts';

export interface UrlServiceOptions {
  clock: Clock;
  /** PEM of the authorities to trust; undefined: the system's. */
  authority: string | undefined;
  /** Milliseconds for an exchange that does not say. */
  timeout: number;
  /** Bytes of an answer that does not say. */
  limit: number;
}

const KEEP_ALIVE = { keepAlive: true, maxSockets: 8, maxFreeSockets: 2, timeout: 120_000 };

/** Service `url`: an HTTP client with kept connections and limits on everything. */
export class UrlService implements Component {
  readonly name = 'url';
  readonly #options: UrlServiceOptions;
  readonly #http = new HttpAgent(KEEP_ALIVE);
  readonly #https = new HttpsAgent(KEEP_ALIVE);

  constructor(options: UrlServiceOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#http.destroy();
    this.#https.destroy();
  }

  readonly fetch: UrlFetch = async (url, request = {}) => this.#exchange(parseUrl(url), request);

  async #exchange(url: URL, request: UrlRequest): Promise<UrlAnswer> {
    const { clock } = this.#options;
    const limit = request.limit ?? this.#options.limit;
    const ending = new AbortController();
    const timeout = request.timeout ?? this.#options.timeout;
    const cancel = Number.isFinite(timeout)
      ? clock.after(timeout, () =>
          ending.abort(urlError('URL_TIMEOUT', `${url.host} did not answer within ${timeout} ms`)),
        )
      : () => undefined;
    const onAbort = () => ending.abort(request.signal?.reason);
    request.signal?.addEventListener('abort', onAbort, { once: true });
    try {
      request.signal?.throwIfAborted();
      const response = await this.#send(url, request, ending.signal);
      const head = { status: response.statusCode ?? 0, headers: response.headers };
      if (request.stream) return { ...head, ...readable(Buffer.alloc(0), url), stream: response };
      return { ...head, ...readable(await readBody(response, limit, url), url) };
    } catch (error) {
      throw ending.signal.aborted ? ending.signal.reason : asUrlError(error, url);
    } finally {
      cancel();
      request.signal?.removeEventListener('abort', onAbort);
    }
  }

  #send(url: URL, request: UrlRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const body = request.json === undefined ? request.body : JSON.stringify(request.json);
    const secure = url.protocol === 'https:';
    const options: RequestOptions & { ca?: string | string[] } = {
      method: request.method ?? (body === undefined ? 'GET' : 'POST'),
      agent: secure ? this.#https : this.#http,
      headers: {
        ...(request.json === undefined ? {} : { 'content-type': 'application/json' }),
        ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
        ...request.headers,
      },
      signal,
    };
    const ca = request.ca ?? this.#options.authority;
    if (secure && ca !== undefined) options.ca = ca;
    return new Promise((resolve, reject) => {
      const outgoing = (secure ? httpsRequest : httpRequest)(url, options, resolve);
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw urlError('URL_BAD', 'a URL must be absolute and begin with http:// or https://');
}

async function readBody(response: IncomingMessage, limit: number, url: URL): Promise<Buffer> {
  const tooLarge = () =>
    urlError('URL_TOO_LARGE', `${url.host} answered more than the ${limit} bytes that are read`);
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    if (Number(response.headers['content-length'] ?? 0) > limit) throw tooLarge();
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > limit) throw tooLarge();
      chunks.push(chunk);
    }
  } finally {
    if (!response.complete) response.destroy();
  }
  return Buffer.concat(chunks);
}

function readable(body: Buffer, url: URL): Pick<UrlAnswer, 'body' | 'text' | 'json'> {
  return {
    body,
    text: () => body.toString('utf8'),
    json: () => {
      try {
        return JSON.parse(body.toString('utf8')) as unknown;
      } catch {
        throw urlError('URL_BODY', `the answer of ${url.host} is no JSON`);
      }
    },
  };
}

/** OpenSSL's verdicts on a server certificate, as Node names them. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS_/;
/** Those among them that say that nobody who is trusted has signed it. */
const UNSIGNED = /SELF_SIGNED|UNABLE_TO_/;

function asUrlError(error: unknown, url: URL): unknown {
  const code = systemCode(error);
  if (code === undefined || code.startsWith('URL_')) return error;
  const kind = UNTRUSTED.test(code) ? 'URL_UNTRUSTED' : 'URL_UNREACHABLE';
  const hint = UNSIGNED.test(code)
    ? ': name the file of its authority under tls.authority in ioto.json5'
    : '';
  return urlError(kind, `${url.host}: ${messageOf(error)}${hint}`, { cause: error });
}
