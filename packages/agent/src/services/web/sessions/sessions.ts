import type { ServerResponse } from 'node:http';
import type { Clock } from '@ioto/runtime';
import type { AgentSettings } from '../../../config.ts';
import type { WebRequest } from '../request-path/web-request.ts';
import { type CookieOptions, cookieName, readCookie, writeCookie } from './cookie.ts';
import { type Session, SessionTable } from './session-table.ts';

/** Sessions as browsers carry them: by a cookie that pages cannot read. */
export class Sessions {
  readonly #isOn: boolean;
  readonly #table: SessionTable;
  /** As it is over HTTP, and over TLS. */
  readonly #cookies: { readonly plain: CookieOptions; readonly secure: CookieOptions };

  constructor(
    web: Pick<AgentSettings['web'], 'sessions' | 'limits' | 'timeouts'>,
    clock: Clock,
    ended: (session: Session) => void,
  ) {
    const { sessions, limits, timeouts } = web;
    const { lifetime, enable } = sessions;
    this.#isOn = enable;
    this.#cookies = { plain: cookieOf(sessions, false), secure: cookieOf(sessions, true) };
    const bounds = { sessions: limits.sessions, idle: timeouts.session, lifetime };
    this.#table = new SessionTable(bounds, clock, ended);
  }

  /** The session of a request, which is used by this. */
  find(request: WebRequest): Session | undefined {
    if (!this.#isOn) return undefined;
    const id = readCookie(request.header('cookie'), this.#cookie(request).name);
    return id === undefined ? undefined : this.#table.find(id);
  }

  /** Whether a session is still one; this is no use of it. */
  holds({ id }: Session): boolean {
    return this.#table.holds(id);
  }

  /** One for a visitor. Undefined when there are as many as there may be, or none at all. */
  open(request: WebRequest, response: ServerResponse): Session | undefined {
    return this.#handOut(this.#isOn ? this.#table.open() : undefined, request, response);
  }

  /** The same browser, signed in, with another ID. Undefined as for `open`. */
  signIn(
    request: WebRequest,
    response: ServerResponse,
    who: { username: string; role: string },
  ): Session | undefined {
    if (!this.#isOn) return undefined;
    return this.#handOut(this.#table.signIn(this.find(request), who), request, response);
  }

  /** Ends the request's session, and takes its cookie back. */
  signOut(request: WebRequest, response: ServerResponse): void {
    const session = this.find(request);
    if (session) this.#table.end(session.id);
    response.appendHeader('set-cookie', writeCookie('', this.#cookie(request)));
  }

  /** A password or a role has changed, or a user is no more. */
  endOf(username: string): void {
    this.#table.endOf(username);
  }

  #handOut(session: Session | undefined, request: WebRequest, response: ServerResponse): Session | undefined {
    if (session) response.appendHeader('set-cookie', writeCookie(session.id, this.#cookie(request)));
    return session;
  }

  #cookie({ isSecure }: WebRequest): CookieOptions {
    return isSecure ? this.#cookies.secure : this.#cookies.plain;
  }
}

function cookieOf({ cookie, sameSite }: AgentSettings['web']['sessions'], secure: boolean): CookieOptions {
  const [first = '', ...rest] = sameSite.toLowerCase();
  return {
    name: cookieName(cookie, secure),
    secure,
    sameSite: `${first.toUpperCase()}${rest.join('')}` as CookieOptions['sameSite'],
  };
}
