import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { type Clock, type Component, messageOf, systemCode } from '@ioto/runtime';
import type { Traffic } from '../../agent.ts';
import { urlError } from './errors.ts';
import type { UrlAnswer, UrlFetch, UrlRequest } from './fetch.ts';
import type { AlpnAgent, TlsOptions } from './https.ts';

export interface UrlServiceOptions {
  clock: Clock;
  /** PEM of the authorities to trust; undefined: the system's. */
  authority: string | undefined;
  /** Milliseconds for an exchange that does not say. */
  timeout: number;
  /** Bytes of an answer that does not say. */
  limit: number;
  /** Told of each request and answer. */
  traffic?: (piece: Traffic) => void;
}

const KEEP_ALIVE = { keepAlive: true, maxSockets: 8, maxFreeSockets: 2, timeout: 120_000 };

/** Service `url`: an HTTP client with kept connections and limits on everything. */
export class UrlService implements Component {
  readonly name = 'url';
  readonly #options: UrlServiceOptions;
  readonly #http = new HttpAgent(KEEP_ALIVE);
  #https: AlpnAgent | undefined;

  constructor(options: UrlServiceOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#http.destroy();
    this.#https?.destroy();
  }

  readonly fetch: UrlFetch = async (url, request = {}) => this.#exchange(parseUrl(url), request);

  async #exchange(url: URL, request: UrlRequest): Promise<UrlAnswer> {
    const { clock } = this.#options;
    const limit = request.limit ?? this.#options.limit;
    const ending = new AbortController();
    const timeout = request.timeout ?? this.#options.timeout;
    const late = () =>
      ending.abort(urlError('URL_TIMEOUT', `${url.host} did not answer within ${timeout} ms`));
    let cancel: () => void = () => undefined;
    const wait = () => {
      cancel();
      if (Number.isFinite(timeout)) cancel = clock.after(timeout, late);
    };
    wait();
    const onAbort = () => ending.abort(request.signal?.reason);
    request.signal?.addEventListener('abort', onAbort, { once: true });
    try {
      request.signal?.throwIfAborted();
      const response = await this.#send(url, request, ending.signal);
      const head = { status: response.statusCode ?? 0, headers: response.headers };
      if (request.stream || request.onData) this.#show(response, undefined);
      if (request.stream) return { ...head, ...readable(Buffer.alloc(0), url), stream: response };
      if (request.onData && head.status >= 200 && head.status < 300) {
        await handOver(response, request.onData, wait, () => cancel());
        return { ...head, ...readable(Buffer.alloc(0), url) };
      }
      const body = await readBody(response, limit, url);
      if (!request.onData) this.#show(response, body);
      return { ...head, ...readable(body, url) };
    } catch (error) {
      throw ending.signal.aborted ? ending.signal.reason : asUrlError(error, url);
    } finally {
      cancel();
      request.signal?.removeEventListener('abort', onAbort);
    }
  }

  #show({ statusCode, statusMessage, headers }: IncomingMessage, body: Buffer | undefined): void {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    const head = [`${statusCode} ${statusMessage}`, ...lines];
    this.#options.traffic?.({ over: 'http', direction: 'in', head, body });
  }

  async #send(url: URL, request: UrlRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const body = request.json === undefined ? request.body : JSON.stringify(request.json);
    const secure = url.protocol === 'https:' ? await this.#secured() : undefined;
    const options: TlsOptions = {
      method: request.method ?? (body === undefined ? 'GET' : 'POST'),
      agent: secure?.agent ?? this.#http,
      headers: {
        ...(request.json === undefined ? {} : { 'content-type': 'application/json' }),
        ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
        ...request.headers,
      },
      signal,
    };
    const ca = request.ca ?? this.#options.authority;
    if (secure && ca !== undefined) options.ca = ca;
    if (secure && request.cert !== undefined)
      Object.assign(options, { cert: request.cert, key: request.key });
    if (secure && request.alpn !== undefined) options.ALPNProtocols = [request.alpn];
    const { traffic } = this.#options;
    traffic?.({ over: 'http', direction: 'out', head: requestHead(url, options), body });
    return new Promise((resolve, reject) => {
      const outgoing = (secure?.httpsRequest ?? httpRequest)(url, options, resolve);
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  /** TLS takes its time to load, and a device that is not claimed yet may start without it. */
  async #secured() {
    const { AlpnAgent, httpsRequest } = await import('./https.ts');
    this.#https ??= new AlpnAgent(KEEP_ALIVE);
    return { agent: this.#https, httpsRequest };
  }
}

function requestHead({ href }: URL, { method, headers = {} }: TlsOptions): string[] {
  return [`${method} ${href}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
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

/** Hands the body over piece by piece; `waits` before each is read, `busy` while it is taken. */
async function handOver(
  response: IncomingMessage,
  onData: NonNullable<UrlRequest['onData']>,
  waits: () => void,
  busy: () => void,
): Promise<void> {
  try {
    waits();
    for await (const piece of response as AsyncIterable<Buffer>) {
      busy();
      await onData(piece);
      waits();
    }
  } finally {
    if (!response.complete) response.destroy();
  }
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
