import type { ServerResponse } from 'node:http';
import { isProperties } from '../../../config-loading/blend.ts';
import { webError } from '../errors.ts';
import { isLoopback } from '../metrics-door.ts';
import { sendJson, sendRefusal, sendText, WRONG_METHOD, withoutBody } from '../request-path/send.ts';
import type { WebRequest } from '../request-path/web-request.ts';
import type { WebContext } from '../web-context.ts';
import { setFirstPassword } from './first-password.ts';
import { sameSitePath } from './same-site-path.ts';
import type { SignIn } from './sign-in.ts';
import { tellToken } from './xsrf.ts';

interface Asked {
  username: string;
  password: string;
  /** Where a form leads to; undefined: a program asks, and is answered with JSON. */
  form: { next: string; back: string | undefined } | undefined;
}

/** The paths where one signs in and out. */
export class Door {
  readonly #context: WebContext;
  readonly #signIn: SignIn;

  constructor(context: WebContext, signIn: SignIn) {
    this.#context = context;
    this.#signIn = signIn;
  }

  async door(request: WebRequest, response: ServerResponse): Promise<boolean> {
    const { method, path } = request;
    const isLogin = path === this.#context.web.auth.login;
    if (method === 'POST') {
      if (isLogin) await this.#login(request, response);
      else await this.#logout(request, response);
    } else if (isLogin && (method === 'GET' || method === 'HEAD')) this.#tell(request, response);
    else this.#refuse(request, response, isLogin ? 'GET, HEAD, POST, OPTIONS' : 'POST, OPTIONS');
    return true;
  }

  /** What a page where one signs in has to show. */
  #tell(request: WebRequest, response: ServerResponse): void {
    const { sessions, headers } = this.#context;
    const session = sessions.find(request);
    if (session) tellToken(request, session);
    const { username, role } = session ?? {};
    sendJson(response, 200, headers, {
      signedIn: username !== undefined,
      ...(username !== undefined && { username, role }),
      ...(session && { xsrf: session.xsrf }),
      setup: this.#maySetUp(request),
    });
  }

  async #login(request: WebRequest, response: ServerResponse): Promise<void> {
    const { sessions, headers, events } = this.#context;
    const { address } = request;
    const { username, password, form } = await readAsked(request);
    const user = this.#maySetUp(request)
      ? await setFirstPassword(this.#context, this.#signIn, { username, password, address })
      : await this.#signIn.check({ username, password, address });
    if (!user) {
      if (form?.back === undefined) throw webError('WEB_SIGN_IN', 'wrong name or password');
      return sendText(response, 303, { ...headers, location: form.back }, '');
    }
    const { role } = user;
    const session = sessions.signIn(request, response, { username, role });
    if (!session) {
      throw webError('WEB_BUSY', 'as many have signed in as may at once', { retryAfter: 60_000 });
    }
    events.emit('web:signed-in', { username, role, address });
    if (form) return sendText(response, 303, { ...headers, location: form.next }, '');
    sendJson(response, 200, headers, { username, role, xsrf: session.xsrf });
  }

  async #logout(request: WebRequest, response: ServerResponse): Promise<void> {
    const { sessions, headers } = this.#context;
    const isForm = request.body.type === 'application/x-www-form-urlencoded';
    const form = isForm ? await request.body.form() : undefined;
    sessions.signOut(request, response);
    if (form) {
      const location = sameSitePath(form.get('next')) ?? '/';
      return sendText(response, 303, { ...headers, location }, '');
    }
    response.writeHead(204, withoutBody(request.raw, headers));
    response.end();
  }

  #refuse({ method, raw }: WebRequest, response: ServerResponse, allow: string): void {
    const { headers } = this.#context;
    const whole = { ...withoutBody(raw, headers), allow };
    if (method === 'OPTIONS') response.writeHead(204, whole).end();
    else sendRefusal(response, WRONG_METHOD, whole);
  }

  /** Nobody is there yet, and this client may be the first. */
  #maySetUp({ address }: WebRequest): boolean {
    const { setup } = this.#context.web.auth;
    if (setup === 'off' || (setup === 'local' && !isLoopback(address))) return false;
    return this.#signIn.users.isEmpty;
  }
}

/** @throws WEB_BODY_TYPE, WEB_BODY_SYNTAX, WEB_BODY_TOO_LARGE */
async function readAsked(request: WebRequest): Promise<Asked> {
  const { body } = request;
  if (body.type === 'application/x-www-form-urlencoded') {
    const form = await body.form();
    const from = cameFrom(request);
    const next = sameSitePath(form.get('next') ?? from?.searchParams.get('next')) ?? '/';
    from?.searchParams.set('failed', '1');
    const back = from && sameSitePath(`${from.pathname}${from.search}`);
    return {
      username: form.get('username') ?? '',
      password: form.get('password') ?? '',
      form: { next, back },
    };
  }
  const value = await body.json();
  const { username, password } = isProperties(value) ? value : {};
  if (typeof username !== 'string' || typeof password !== 'string') {
    throw webError('WEB_BODY_SYNTAX', 'username and password must be texts');
  }
  return { username, password, form: undefined };
}

/** The page of this site that a form was on. */
function cameFrom(request: WebRequest): URL | undefined {
  const referrer = request.header('referer') ?? '';
  if (!URL.canParse(referrer)) return undefined;
  const url = new URL(referrer);
  const isOwn = url.protocol === `http${request.isSecure ? 's' : ''}:` && url.host === request.header('host');
  return isOwn ? url : undefined;
}
