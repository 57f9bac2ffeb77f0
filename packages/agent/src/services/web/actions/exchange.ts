import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { CodedError } from '@ioto/runtime';
import type { Admission, Identity } from '../auth/gate.ts';
import { may } from '../auth/roles.ts';
import { tellToken } from '../auth/xsrf.ts';
import { tooMany } from '../errors.ts';
import { openEventStream } from '../event-stream/event-stream.ts';
import type { WebRequest } from '../request-path/web-request.ts';
import type { Session } from '../sessions/session-table.ts';
import type { ActionBody, ActionContext, ActionSession, EventStream } from '../web-api.ts';
import type { WebContext } from '../web-context.ts';
import type { Action } from './action-table.ts';
import { Answer, gone } from './answer.ts';

export interface ExchangeParts {
  context: WebContext;
  action: Action;
  request: WebRequest;
  response: ServerResponse;
  admission: Admission;
  /** As `AnswerParts` has it. */
  always: readonly string[];
}

/** One request to an action, as its handler sees it. Nothing is computed before it is asked for. */
export class Exchange implements ActionContext {
  readonly #parts: ExchangeParts;
  readonly #answer: Answer;
  #identity: Identity | undefined;
  #session: Session | undefined;
  #query: URLSearchParams | undefined;
  #abort: AbortController | undefined;
  #isLate = false;

  constructor(parts: ExchangeParts) {
    const { request, response, always, admission, context } = parts;
    this.#parts = parts;
    this.#answer = new Answer({ request, response, always, buffer: context.web.limits.buffer });
    this.admit(admission);
  }

  /** The request is who was let in by this. */
  admit({ identity, session }: Admission): void {
    this.#identity = identity;
    this.#session = session;
  }

  get method(): string {
    return this.#parts.request.method;
  }

  get path(): string {
    return this.#parts.request.path;
  }

  get rest(): string {
    return this.#parts.request.path.slice(this.#parts.action.path.length);
  }

  get query(): URLSearchParams {
    this.#query ??= new URLSearchParams(this.#parts.request.query);
    return this.#query;
  }

  get address(): string {
    return this.#parts.request.address;
  }

  header(name: string): string | undefined {
    return this.#parts.request.header(name.toLowerCase());
  }

  get username(): string | undefined {
    return this.#identity?.username;
  }

  get role(): string | undefined {
    return this.#identity?.role;
  }

  may(role: string): boolean {
    return this.#identity !== undefined && may(this.#parts.context.roles, this.#identity.role, role);
  }

  get session(): ActionSession {
    const { request, response, context } = this.#parts;
    const session = this.#session ?? context.sessions.find(request);
    if (session) return this.#asSession(session);
    this.#needSessions('session');
    return this.#asSession(context.sessions.open(request, response));
  }

  get body(): ActionBody {
    return this.#parts.request.body as unknown as ActionBody;
  }

  get signal(): AbortSignal {
    if (this.#abort) return this.#abort.signal;
    const abort = new AbortController();
    this.#abort = abort;
    if (this.#answer.isGone || this.#isLate) abort.abort(gone());
    else this.#whenGone(() => abort.abort(gone()));
    return abort.signal;
  }

  status(code: number): this {
    this.#answer.status = code;
    return this;
  }

  set(name: string, value: string | readonly string[]): this {
    this.#answer.set(name, value);
    return this;
  }

  /** After what changed something, the browser asks for the other place by GET. */
  redirect(to: string, status = this.#parts.request.isSafe ? 302 : 303): void {
    this.#answer.redirect(to, status);
  }

  write(piece: string | Uint8Array): Promise<void> {
    return heeded(this.#answer.write(piece));
  }

  send(body: Readable | string | Uint8Array, type?: string): Promise<void> {
    return heeded(this.#answer.send(body, type));
  }

  events(): EventStream {
    const { context, request, response } = this.#parts;
    this.#answer.needHead('events()');
    const { username } = this;
    const session = this.#session;
    return openEventStream({ context, request, response, session, username, answer: this.#answer });
  }

  signIn(username: string, role: string): void {
    const { request, response, context } = this.#parts;
    if (!context.roles.has(role)) {
      throw new CodedError('WEB_ROLE_UNKNOWN', `no role of auth.roles is ${JSON.stringify(role)}`);
    }
    this.#needSessions('signIn()');
    const before = this.#session;
    // A visitor's session that this request began is worth nothing any more, and so is its cookie.
    response.removeHeader('set-cookie');
    const session = context.sessions.signIn(request, response, { username, role });
    this.#asSession(session);
    if (session) tellToken(request, session);
    // One that this request began is in no cookie of it yet.
    if (before?.username === undefined) {
      for (const [name, value] of before?.values ?? []) session?.values.set(name, value);
    }
    this.#identity = { username, role };
  }

  signOut(): void {
    const { request, response, context } = this.#parts;
    this.#answer.needHead('signOut()');
    response.removeHeader('set-cookie');
    context.sessions.signOut(request, response);
    this.#session = undefined;
    this.#identity = undefined;
  }

  /** The handler has answered by itself, wholly or in part. */
  get hasAnswered(): boolean {
    return this.#answer.isBegun;
  }

  /** The handler has ended, with what it returned. */
  finish(value: unknown): void {
    if (!this.#isLate) this.#answer.finish(value);
  }

  /** Somebody else has answered, and the handler is not asked. */
  leave(): void {
    this.#answer.take();
  }

  /** Nobody waits for the handler any longer. False: it has begun to answer, and may go on. */
  giveUp(): boolean {
    if (this.#parts.response.headersSent) return false;
    this.#isLate = true;
    this.#answer.take();
    this.#abort?.abort(gone());
    return true;
  }

  /** Whether an error only says that nobody is there any more. */
  isOver(error: unknown): boolean {
    if (!this.#isLate && !this.#answer.isGone) return false;
    const { name, code } = error as { name?: string; code?: string };
    return name === 'AbortError' || OVER.has(code ?? '');
  }

  #needSessions(what: string): void {
    this.#answer.needHead(`${what} hands a cookie out, and`);
    if (!this.#parts.context.web.sessions.enable) {
      throw new CodedError('WEB_SESSIONS_OFF', `${what}: sessions.enable is false in web.json5`);
    }
  }

  #asSession(session: Session | undefined): ActionSession {
    if (!session) throw tooMany('sessions');
    this.#session = session;
    return {
      get: (name) => session.values.get(name),
      set: (name, value) => void session.values.set(name, value),
      xsrf: session.xsrf,
      end: () => this.signOut(),
    };
  }

  #whenGone(listener: () => void): void {
    const { request, response } = this.#parts;
    const onClose = () => this.#answer.isGone && listener();
    response.once('close', onClose);
    // Its turn may not have come: then the response hears nothing of the connection.
    if (response.socket) return;
    const { socket } = request.raw;
    socket.once('close', onClose);
    response.once('close', () => socket.off('close', onClose));
  }
}

const OVER = new Set(['WEB_GONE', 'ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'ABORT_ERR']);

/** A handler may well not wait for what it sends: what comes of it then must not end the process. */
function heeded<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
