import { type ServerResponse, validateHeaderName, validateHeaderValue } from 'node:http';
import type { Readable } from 'node:stream';
import { CodedError } from '@ioto/runtime';
import { hasBody } from '../request-path/shape.ts';
import type { WebRequest } from '../request-path/web-request.ts';

const TEXT = 'text/plain; charset=utf-8';
const BYTES = 'application/octet-stream';
/** They have no body (RFC 9110 §15). */
const WITHOUT_BODY = new Set([204, 205, 304]);
/** What tells where a message ends is the server's own. */
const OURS = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export interface AnswerParts {
  request: WebRequest;
  response: ServerResponse;
  /** Headers of every answer of an action, names and values in turn; names in lower case. */
  always: readonly string[];
  /** Bytes that may wait for a slow client before `write` does. */
  buffer: number;
}

/** The answer of an action, whole or piece by piece. */
export class Answer {
  readonly #request: WebRequest;
  readonly #response: ServerResponse;
  readonly #always: readonly string[];
  readonly #buffer: number;
  #status: number | undefined;
  #own: Map<string, string | readonly string[]> | undefined;
  /** Whose the end of it is: nothing said yet; pieces came, and the handler's end is its end; somebody has it in hand. */
  #phase: 'open' | 'pieces' | 'taken' = 'open';
  #room: Promise<void> | undefined;

  constructor({ request, response, always, buffer }: AnswerParts) {
    this.#request = request;
    this.#response = response;
    this.#always = always;
    this.#buffer = buffer;
  }

  /** The client has gone before it had all. */
  get isGone(): boolean {
    return this.#response.destroyed ? !this.#response.writableFinished : this.#request.raw.socket.destroyed;
  }

  /** The handler has answered by itself, wholly or in part. */
  get isBegun(): boolean {
    return this.#response.headersSent || this.#phase !== 'open';
  }

  /** @throws WEB_ANSWERED when the head has gone out. */
  needHead(what: string): void {
    if (!this.isBegun) return;
    throw new CodedError('WEB_ANSWERED', `${what} comes too late: the answer has begun already`);
  }

  set status(code: number) {
    if (!Number.isInteger(code) || code < 200 || code > 599) {
      throw new CodedError('WEB_ANSWER', `${code} is no status of an answer: they go from 200 to 599`);
    }
    this.needHead('status()');
    this.#status = code;
  }

  /** @throws WEB_ANSWER for what is no header or not the handler's; WEB_ANSWERED */
  set(name: string, value: string | readonly string[]): void {
    const lower = String(name).toLowerCase();
    if (OURS.has(lower))
      throw new CodedError('WEB_ANSWER', `the header ${lower} is set by the server itself`);
    try {
      validateHeaderName(name);
      for (const each of typeof value === 'string' ? [value] : value) validateHeaderValue(name, each);
    } catch (cause) {
      // The value may be a secret, or a line break of an attacker's: neither is for a log.
      throw new CodedError(
        'WEB_ANSWER',
        `the header ${JSON.stringify(name)} or its value has forbidden letters`,
        {
          cause,
        },
      );
    }
    this.needHead('set()');
    this.#own ??= new Map();
    this.#own.set(lower, value);
  }

  redirect(to: string, status: number): void {
    if (![301, 302, 303, 307, 308].includes(status)) {
      throw new CodedError(
        'WEB_ANSWER',
        `${status} is no status of a redirect: 301, 302, 303, 307 and 308 are`,
      );
    }
    if (hasControls(to)) throw new CodedError('WEB_ANSWER', 'the place of a redirect has forbidden letters');
    this.set('location', to.replace(/[^\x21-\x7e]/gu, encodeURIComponent));
    this.#status = status;
    this.#whole('', undefined);
  }

  /** Sends a piece; resolves when there is room for more. @throws WEB_GONE, WEB_ANSWERED */
  async write(piece: string | Uint8Array): Promise<void> {
    if (this.#phase === 'taken') this.needHead('write()');
    if (this.isGone) throw gone();
    if (this.#phase === 'open') this.begin(typeof piece === 'string' ? TEXT : BYTES);
    if (!this.#hasBody) return;
    const response = this.#response;
    if (response.write(piece) || response.writableLength <= this.#buffer) return;
    await this.roomAgain();
  }

  /** Sends all of it, or what is left, and ends the answer. @throws as `write` does, and as the stream does */
  async send(body: Readable | string | Uint8Array, type?: string): Promise<void> {
    if (type !== undefined) this.set('content-type', type);
    if (typeof body === 'string' || body instanceof Uint8Array) {
      if (this.#phase === 'open') return this.#whole(body, typeof body === 'string' ? TEXT : BYTES);
      await this.write(body);
    } else await this.#pour(body);
    this.#phase = 'taken';
    this.#response.end();
  }

  /** The handler has ended. */
  finish(value: unknown): void {
    if (this.#phase === 'taken' || this.isGone) return;
    if (this.#phase === 'pieces') {
      this.#phase = 'taken';
      this.#response.end();
    } else if (value === undefined) {
      this.#status ??= 204;
      this.#whole('', undefined);
    } else {
      const text = JSON.stringify(value);
      if (text === undefined) throw new TypeError(`what the action returned (a ${typeof value}) is no JSON`);
      this.#whole(text, 'application/json');
    }
  }

  /** Sends the head of an answer that comes in pieces. */
  begin(type: string): void {
    this.#phase = 'pieces';
    this.#sendHead(this.#status ?? 200, this.#headers(type));
  }

  /** Whoever calls it ends the answer. */
  take(): void {
    this.#phase = 'taken';
  }

  /** Resolves when what waited has gone out. @throws WEB_GONE */
  roomAgain(): Promise<void> {
    if (this.isGone) return Promise.reject(gone());
    if (!this.#response.writableNeedDrain) return Promise.resolve();
    this.#room ??= new Promise((resolve, reject) => {
      const response = this.#response;
      const settle = (act: () => void) => () => {
        response.off('drain', onDrain).off('close', onClose);
        this.#room = undefined;
        act();
      };
      const onDrain = settle(resolve);
      const onClose = settle(() => reject(gone()));
      response.on('drain', onDrain).on('close', onClose);
    });
    return this.#room;
  }

  get #hasBody(): boolean {
    return this.#request.method !== 'HEAD' && !WITHOUT_BODY.has(this.#status ?? 200);
  }

  async #pour(body: Readable): Promise<void> {
    // A source that gives nothing would hold on to a client that has gone.
    const stop = () => body.destroy();
    this.#response.once('close', stop);
    try {
      if (this.#hasBody) {
        for await (const piece of body) await this.write(piece);
      } else body.destroy();
      if (this.#phase === 'open') this.begin(BYTES);
    } catch (error) {
      throw this.isGone ? gone() : error;
    } finally {
      this.#response.off('close', stop);
    }
  }

  #whole(body: string | Uint8Array, type: string | undefined): void {
    if (this.isGone) throw gone();
    this.needHead('a second answer');
    this.#phase = 'taken';
    const status = this.#status ?? 200;
    const headers = this.#headers(type);
    if (!WITHOUT_BODY.has(status)) headers.push('content-length', String(Buffer.byteLength(body)));
    this.#sendHead(status, headers);
    this.#response.end(this.#hasBody ? body : undefined);
  }

  #sendHead(status: number, headers: string[]): void {
    // Beside headers that were set before, as that of a session, Node is slow at lists.
    const isAlone = this.#response.getHeaderNames().length === 0;
    this.#response.writeHead(status, isAlone ? headers : asRecord(headers));
  }

  #headers(type: string | undefined): string[] {
    const headers = this.#own ? this.#merged(this.#own) : this.#always.slice();
    if (type !== undefined && !this.#own?.has('content-type')) headers.push('content-type', type);
    if (this.#leavesTooMuch) headers.push('connection', 'close');
    return headers;
  }

  #merged(own: ReadonlyMap<string, string | readonly string[]>): string[] {
    const headers: string[] = [];
    const always = this.#always;
    for (let at = 0; at < always.length; at += 2) {
      const name = always[at] as string;
      if (!own.has(name)) headers.push(name, always[at + 1] as string);
    }
    for (const [name, value] of own) {
      for (const each of typeof value === 'string' ? [value] : value) {
        // The session may have one of its own.
        if (name === 'set-cookie') this.#response.appendHeader(name, each);
        else headers.push(name, each);
      }
    }
    return headers;
  }

  /** Node reads on what an action has left of a body; more of it than an action would take ends the connection. */
  get #leavesTooMuch(): boolean {
    const { raw, route } = this.#request;
    if (raw.complete || !hasBody(raw)) return false;
    const length = raw.headers['content-length'];
    return length === undefined || Number(length) > route.limits.body;
  }
}

export function gone(): CodedError {
  return new CodedError('WEB_GONE', 'the client has gone before it had the whole answer');
}

function asRecord(headers: readonly string[]): Record<string, string | string[]> {
  const record: Record<string, string | string[]> = {};
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string;
    const value = headers[at + 1] as string;
    const before = record[name];
    record[name] = before === undefined ? value : [before, value].flat();
  }
  return record;
}

function hasControls(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) < 0x20) return true;
  return false;
}
