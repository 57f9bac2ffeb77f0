import type { ServerResponse } from 'node:http';
import { webError } from '../errors.ts';
import { namesLocally } from '../host-name.ts';
import { lazily } from '../request-path/handlers.ts';
import { sendText } from '../request-path/send.ts';
import { originForm } from '../request-path/shape.ts';
import type { WebRequest } from '../request-path/web-request.ts';
import type { Session } from '../sessions/session-table.ts';
import type { WebContext } from '../web-context.ts';
import type { Basic } from './basic.ts';
import type { Digest } from './digest.ts';
import type { Admission, Gate, Identity, Needs } from './gate.ts';
import { may } from './roles.ts';
import { requireToken, tellToken } from './xsrf.ts';

type Asking = Pick<Basic | Digest, 'identify'>;

export function openGate(context: WebContext): Gate {
  return new Authentication(context);
}

/** Sessions are looked up at once; what passwords need is loaded when the first one comes. */
class Authentication implements Gate {
  readonly #context: WebContext;
  readonly #load: Readonly<Record<'basic' | 'digest', () => Promise<Asking>>>;
  readonly #door: () => Promise<Pick<Gate, 'door'>>;
  readonly #asking: { basic?: Asking; digest?: Asking } = {};
  /** Hosts are few, and asked for with every request. */
  #localHost: string | undefined;

  constructor(context: WebContext) {
    this.#context = context;
    const { signIn } = context;
    this.#load = {
      basic: lazily(async () => new (await import('./basic.ts')).Basic(context, await signIn())),
      digest: lazily(async () => (await import('./digest.ts')).Digest.open(context, await signIn())),
    };
    this.#door = lazily(async () => new (await import('./door.ts')).Door(context, await signIn()));
  }

  admit(
    request: WebRequest,
    response: ServerResponse,
    needs: Needs,
  ): Admission | undefined | Promise<Admission | undefined> {
    const { roles } = needs;
    if (roles.length > 0) {
      this.#requireLocalHost(request);
      const { authType } = request.route;
      if (authType === 'basic' || authType === 'digest') return this.#ask(authType, request, roles);
    }
    const session = this.#context.sessions.find(request);
    const identity = session && identityOf(session);
    if (roles.length > 0) {
      if (!identity) return this.#sendToSignIn(request, response);
      this.#requireRoles(identity, roles);
    }
    if (!session || !needs.xsrf) return { identity, session };
    if (request.isSafe) tellToken(request, session);
    else {
      const read = requireToken(request, session);
      if (read) return read.then(() => ({ identity, session }));
    }
    return { identity, session };
  }

  async door(request: WebRequest, response: ServerResponse): Promise<boolean> {
    if (!this.#context.web.sessions.enable || !(await this.#isDoorNeeded())) return false;
    this.#requireLocalHost(request);
    return (await this.#door()).door(request, response);
  }

  /** Whether there is somebody who could sign in, or something that needs it: else nobody is to set a first password. */
  async #isDoorNeeded(): Promise<boolean> {
    const { routes, actions, web, database, signatures, users } = this.#context;
    const isRole = (role: string | undefined) => (role ?? 'public') !== 'public';
    if (Object.keys(web.auth.users).length > 0) return true;
    if (routes.some(({ role }) => isRole(role))) return true;
    if (actions.all.some(({ options: { role } }) => isRole(role))) return true;
    if (routes.some(({ handler, models }) => handler === 'rest' && !models)) {
      const models = [...(database()?.schema.models.values() ?? [])];
      if (models.some((model) => isRole(model.web?.read) || isRole(model.web?.write))) return true;
    }
    if (routes.some(({ validate }) => validate) && (await signatures()).asksForRoles) return true;
    return !(await users()).isEmpty;
  }

  #ask(
    authType: 'basic' | 'digest',
    request: WebRequest,
    roles: readonly string[],
  ): Admission | Promise<Admission> {
    const asking = this.#asking[authType];
    if (!asking) {
      return this.#load[authType]().then((loaded) => {
        this.#asking[authType] = loaded;
        return this.#ask(authType, request, roles);
      });
    }
    const admitted = (identity: Identity): Admission => {
      this.#requireRoles(identity, roles);
      return { identity };
    };
    const identity = asking.identify(request);
    return identity instanceof Promise ? identity.then(admitted) : admitted(identity);
  }

  /** A website that lets its own name point at the device must not get to what a visitor of it may (DNS rebinding). */
  #requireLocalHost({ raw: { headers } }: WebRequest): void {
    const { host } = headers;
    if (host !== undefined && host === this.#localHost) return;
    if (!namesLocally(host, this.#context.names)) {
      throw webError(
        'WEB_HOST',
        'the device does not go by this name: call it by its address or local name, or set web.name',
      );
    }
    this.#localHost = host;
  }

  /** @throws WEB_ROLE */
  #requireRoles({ role }: Identity, roles: readonly string[]): void {
    for (const each of roles) {
      if (!may(this.#context.roles, role, each)) throw webError('WEB_ROLE', `this needs the role ${each}`);
    }
  }

  /** Pages are sent to where one signs in, and told where they were. @throws WEB_SIGN_IN for everything else */
  #sendToSignIn(request: WebRequest, response: ServerResponse): undefined {
    const { route, raw, method, path } = request;
    const { redirect } = route;
    const isPage =
      (method === 'GET' || method === 'HEAD') && /\btext\/html\b/.test(request.header('accept') ?? '');
    // Who would be sent here again and again is told so.
    if (redirect === undefined || !isPage || redirect.split('?', 1)[0] === path) {
      throw webError('WEB_SIGN_IN', 'sign in first');
    }
    const next = encodeURIComponent(originForm(raw.url ?? '/'));
    const location = `${redirect}${redirect.includes('?') ? '&' : '?'}next=${next}`;
    sendText(response, 302, { ...this.#context.headers, location, 'cache-control': 'no-store' }, '');
    return undefined;
  }
}

function identityOf({ username, role }: Session): Identity | undefined {
  return username === undefined || role === undefined ? undefined : { username, role };
}
