import type { IncomingMessage, ServerResponse } from 'node:http';
import { Body } from '../body/body.ts';
import type { Route } from '../routing/route.ts';
import type { WebContext } from '../web-context.ts';

export interface WebRequestParts {
  raw: IncomingMessage;
  /** Of the same exchange: a refused body ends it, and a slow one too. */
  response: ServerResponse;
  route: Route;
  path: string;
  query: string;
  context: WebContext;
}

/** Changes nothing (RFC 9110 §9.2.1). */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/** One request, as the parts that answer see it. Nothing is computed before it is asked for. */
export class WebRequest {
  readonly raw: IncomingMessage;
  readonly response: ServerResponse;
  readonly route: Route;
  /** Decoded once; begins with a slash, and has no `..`, zero byte or backslash. */
  readonly path: string;
  /** As it came, or as a signature has left it; without its question mark, empty when there is none. */
  query: string;
  readonly #context: WebContext;
  #body: Body | undefined;

  constructor({ raw, response, route, path, query, context }: WebRequestParts) {
    this.raw = raw;
    this.response = response;
    this.route = route;
    this.path = path;
    this.query = query;
    this.#context = context;
  }

  get method(): string {
    return this.raw.method ?? '';
  }

  /** Changes nothing, by its method. */
  get isSafe(): boolean {
    return SAFE.has(this.method);
  }

  /** Came over TLS. */
  get isSecure(): boolean {
    return 'encrypted' in this.raw.socket;
  }

  /** The client's, as the socket says it. */
  get address(): string {
    return this.raw.socket.remoteAddress ?? '';
  }

  /** One that may be there once only; a repeated one was refused before. Names in lower case. */
  header(name: string): string | undefined {
    const value = this.raw.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /** Read when it is asked for. */
  get body(): Body {
    const { raw, response, route } = this;
    this.#body ??= new Body({ raw, response, limits: route.limits, context: this.#context });
    return this.#body;
  }

  /**
   * Whoever answers has ended: files that came along are removed. What is left of a body that nobody read would be taken for the
   * next request, or be read for ever: the connection ends then, after the answer. Never throws.
   */
  async end(): Promise<void> {
    await this.#body?.end();
    const { raw, response } = this;
    if (raw.complete) return;
    if (isShort(raw, this.route.limits.body)) {
      raw.resume();
      return;
    }
    if (response.writableFinished) raw.socket.destroySoon();
    else response.once('finish', () => raw.complete || raw.socket.destroySoon());
  }
}

/** Has a body that may as well be read to its end: it says how short it is, and it does come. */
function isShort({ headers }: IncomingMessage, limit: number): boolean {
  if (headers['transfer-encoding'] !== undefined || headers.expect !== undefined) return false;
  return Number(headers['content-length'] ?? 0) <= limit;
}
