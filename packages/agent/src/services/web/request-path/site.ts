import type { IncomingMessage, ServerResponse } from 'node:http';
import { messageOf, systemCode } from '@ioto/runtime';
import type { Action } from '../actions/action-table.ts';
import type { Admission, Gate } from '../auth/gate.ts';
import type { LetGo } from '../listening/upgrades.ts';
import type { Asked, Redirects } from '../routing/redirects.ts';
import { guardingRoute, type Route, type RouteSettings } from '../routing/route.ts';
import { refuseCrossSite, refuseCrossSiteSocket } from '../security-headers/cross-site.ts';
import type { FileHandler } from '../static-files/file-handler.ts';
import { decodeSitePath } from '../static-files/site-path.ts';
import type { WebContext } from '../web-context.ts';
import type { Upgrade } from '../websockets/upgrade.ts';
import { allowedMethods } from './allowed-methods.ts';
import type { Handler } from './handlers.ts';
import { NOT_FOUND, sendError, sendRefusal, sendText, WRONG_METHOD, withoutBody } from './send.ts';
import { asksForWebSocket, faultOfShape, hasBody, originForm } from './shape.ts';
import { WebRequest } from './web-request.ts';

const UPGRADE_BODY = { status: 400, text: 'A request for another protocol has no body' };

export interface SiteOptions {
  context: WebContext;
  redirects: Redirects | undefined;
  files: FileHandler;
  /** Loaded when a request first needs them. */
  gate: () => Promise<Gate>;
  handlers: Readonly<Record<Exclude<RouteSettings['handler'], 'file'>, () => Promise<Handler>>>;
  upgrade: () => Promise<Upgrade>;
}

/**
 * Everything between a request and its answer, in this order: an answer that is kept, unless it is redirected; the shape of the
 * request; redirects; the route, with its action and methods; where the request comes from; the doors of login and logout; who asks; the handler.
 */
export class Site {
  readonly #options: SiteOptions;
  #gate: Gate | undefined;

  constructor(options: SiteOptions) {
    this.#options = options;
  }

  /** Answers; whatever goes wrong within is a 500 and nothing more. */
  readonly handle = (raw: IncomingMessage, response: ServerResponse): void => {
    if (this.#isRedirected(raw) || !this.#options.files.answersAtOnce(raw, response)) {
      void this.#serve(raw, response);
    }
  };

  /** As `handle`, for a request that asks for another protocol, and whose connection is HTTP's no longer. */
  readonly upgrade = (raw: IncomingMessage, response: ServerResponse, connection: LetGo): void => {
    // One that is not spoken is declined by an answer (RFC 9110 §7.8); a body of such a request was not read.
    if (asksForWebSocket(raw) || hasBody(raw)) void this.#serve(raw, response, connection);
    else this.handle(raw, response);
  };

  async #serve(raw: IncomingMessage, response: ServerResponse, connection?: LetGo): Promise<void> {
    const { headers, logger } = this.#options.context;
    try {
      await this.#answer(raw, response, connection);
    } catch (error) {
      if (sendError(error, raw, response, headers)) return;
      // A client that goes in the middle of an answer is no failure.
      if (systemCode(error) !== 'ERR_STREAM_PREMATURE_CLOSE') {
        // A query may hold what is nobody's business.
        const [path] = (raw.url ?? '').split('?', 1);
        const { stack } = error as Partial<Error>;
        logger.warn({ method: raw.method, path, error: messageOf(error), stack }, 'a web request failed');
      }
    }
  }

  async #answer(raw: IncomingMessage, response: ServerResponse, connection?: LetGo): Promise<void> {
    const { redirects, context } = this.#options;
    const { headers, routes, web } = context;
    const fault =
      faultOfShape(raw, web.limits.headers) ?? (connection && hasBody(raw) ? UPGRADE_BODY : undefined);
    if (fault) {
      // What follows on such a connection is nobody's request.
      const { status, text } = fault;
      return sendText(response, status, { ...headers, connection: 'close' }, `${text}\n`);
    }
    const { path: written, query } = targetOf(raw);
    const elsewhere = redirects?.(this.#askedOf(raw));
    if (elsewhere) {
      const { status, location } = elsewhere;
      return sendText(response, status, { ...headers, location }, '');
    }
    // Routes are matched by what a path means: written otherwise it would go round them.
    const path = written === '*' ? '/' : decodeSitePath(written);
    if (path === undefined) return sendRefusal(response, NOT_FOUND, this.#refused(raw));
    const route = guardingRoute(routes, path, web.index);
    const request = new WebRequest({ raw, response, route, path, query, context });
    try {
      await this.#route(request, response, this.#actionOf(route, path), connection);
    } finally {
      await request.end();
    }
  }

  async #route(
    request: WebRequest,
    response: ServerResponse,
    action: Action | undefined,
    connection: LetGo | undefined,
  ): Promise<void> {
    const { context, handlers, files } = this.#options;
    const { headers, names } = context;
    const { raw, route, path } = request;
    if (connection && !action?.socket) return sendRefusal(response, NOT_FOUND, headers);
    if (this.#isDoor(path)) {
      if (!request.isSafe) refuseCrossSite(raw, names);
      if (await (await this.#loadGate()).door(request, response)) return;
    }
    const { methods, allow } = allowedMethods(route, action);
    if (!methods.has(request.method)) {
      return sendRefusal(response, WRONG_METHOD, { ...this.#refused(raw), allow });
    }
    if (request.method === 'OPTIONS') {
      response.writeHead(204, { ...headers, allow });
      response.end();
      return;
    }
    if (connection) refuseCrossSiteSocket(raw, names);
    else if (!request.isSafe) refuseCrossSite(raw, names);
    if (route.redirect !== undefined && route.role === undefined) {
      return sendText(response, 302, { ...headers, location: route.redirect }, '');
    }
    const admission = await this.#admit(request, response, action);
    if (!admission) return;
    if (action && connection) {
      return (await this.#options.upgrade())(request, response, admission, action, connection);
    }
    if (action) return (await handlers.action())(request, response, admission, action);
    if (route.handler === 'action') return sendRefusal(response, NOT_FOUND, this.#refused(raw));
    if (route.handler === 'file') return files.answer(request, response);
    return (await handlers[route.handler]())(request, response, admission, undefined);
  }

  /** The program's own word counts where a route leaves it to it, or says nothing of the path. */
  #actionOf({ handler, kind }: Route, path: string): Action | undefined {
    return handler === 'action' || kind === 'all' ? this.#options.context.actions.find(path) : undefined;
  }

  #isDoor(path: string): boolean {
    const { login, logout } = this.#options.context.web.auth;
    return path === login || path === logout;
  }

  async #admit(
    request: WebRequest,
    response: ServerResponse,
    action: Action | undefined,
  ): Promise<Admission | undefined> {
    const { route } = request;
    const options = action?.options;
    const roles = [route.role, options?.role].filter((role) => role !== undefined && role !== 'public');
    const xsrf = options?.xsrf ?? (route.xsrf || (options?.role ?? 'public') !== 'public');
    // Only an action sees who asks where nobody is asked.
    if (roles.length === 0 && !xsrf && !action) return {};
    if (roles.length === 0 && !xsrf && request.header('cookie') === undefined) return {};
    const gate = this.#gate ?? (await this.#loadGate());
    return gate.admit(request, response, { roles: roles as string[], xsrf });
  }

  async #loadGate(): Promise<Gate> {
    this.#gate ??= await this.#options.gate();
    return this.#gate;
  }

  /** The same target may be redirected by one address or name, and be answered by another. */
  #isRedirected(raw: IncomingMessage): boolean {
    const { redirects } = this.#options;
    return redirects !== undefined && redirects(this.#askedOf(raw)) !== undefined;
  }

  #askedOf(raw: IncomingMessage): Asked {
    const { path, query } = targetOf(raw);
    const { name } = this.#options.context.web;
    return {
      ...{
        secure: 'encrypted' in raw.socket,
        host: raw.headers.host ?? '',
        path,
        query: query && `?${query}`,
      },
      ...(name !== undefined && { name }),
    };
  }

  /** Headers of a refusal. */
  #refused(raw: IncomingMessage): Readonly<Record<string, string>> {
    return withoutBody(raw, this.#options.context.headers);
  }
}

/** Path and query, as they were written. */
function targetOf({ url = '/' }: IncomingMessage): { path: string; query: string } {
  const target = originForm(url);
  const mark = target.indexOf('?');
  return mark < 0
    ? { path: target, query: '' }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}
