import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, type Logger, messageOf, systemCode } from '@ioto/runtime';
import type { OwnPages } from '../own-pages.ts';
import type { Redirects } from '../routing/redirects.ts';
import { matchRoute, type Route } from '../routing/route.ts';
import { answerFile } from '../static-files/file-answer.ts';
import { KeptAnswers } from '../static-files/kept-answers.ts';
import type { SiteFiles } from '../static-files/site-files.ts';
import { sendText } from './send.ts';
import { faultOfShape, originForm } from './shape.ts';

export interface SiteOptions {
  routes: readonly Route[];
  redirects: Redirects | undefined;
  files: SiteFiles;
  pages: OwnPages;
  /** Of every answer. */
  headers: Readonly<Record<string, string>>;
  /** The device's public name, for redirects. */
  name: string | undefined;
  /** Header lines of a request. */
  maxHeaders: number;
  clock: Clock;
  logger: Logger;
}

/**
 * Everything between a request and its answer, in this order: an answer that is kept; the shape of the request; redirects; the
 * route with its methods; the files; the agent's own pages.
 */
export class Site {
  readonly #options: SiteOptions;
  readonly #kept: KeptAnswers;

  constructor(options: SiteOptions) {
    this.#options = options;
    this.#kept = new KeptAnswers(options.clock, options.maxHeaders);
  }

  /** Answers; whatever goes wrong within is a 500 and nothing more. */
  readonly handle = (request: IncomingMessage, response: ServerResponse): void => {
    if (!this.#kept.answer(request, response)) void this.#serve(request, response);
  };

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { headers, logger } = this.#options;
    try {
      await this.#answer(request, response);
    } catch (error) {
      // A client that goes in the middle of an answer is no failure.
      if (systemCode(error) !== 'ERR_STREAM_PREMATURE_CLOSE') {
        logger.warn({ error: messageOf(error) }, 'a web request failed');
      }
      if (response.headersSent) response.destroy();
      else sendText(response, 500, { ...headers, connection: 'close' }, 'Something went wrong\n');
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { headers, routes, maxHeaders } = this.#options;
    const fault = faultOfShape(request, maxHeaders);
    if (fault) {
      // What follows on such a connection is nobody's request.
      const { status, text } = fault;
      return sendText(response, status, { ...headers, connection: 'close' }, `${text}\n`);
    }
    const target = originForm(request.url ?? '/');
    const mark = target.indexOf('?');
    const path = mark < 0 ? target : target.slice(0, mark);
    const query = mark < 0 ? '' : target.slice(mark);
    if (this.#redirected(request, response, path, query)) return;
    const route = matchRoute(routes, path);
    if (!route) return sendText(response, 404, headers, 'Not found\n');
    const method = request.method ?? '';
    if (!route.methods.has(method)) {
      const refused = { ...headers, allow: route.allow, ...(hasBody(request) && { connection: 'close' }) };
      return sendText(response, 405, refused, 'Method not allowed\n');
    }
    if (method === 'OPTIONS') {
      response.writeHead(204, { ...headers, allow: route.allow });
      response.end();
      return;
    }
    await this.#file(route, path, query, request, response);
  }

  #redirected(request: IncomingMessage, response: ServerResponse, path: string, query: string): boolean {
    const { redirects, name, headers } = this.#options;
    if (!redirects) return false;
    const secure = 'encrypted' in request.socket;
    const host = name ?? request.headers.host ?? '';
    const found = redirects({ secure, host, path, query });
    if (!found) return false;
    sendText(response, found.status, { ...headers, location: found.location }, '');
    return true;
  }

  async #file(
    route: Route,
    path: string,
    query: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { files, pages, headers, clock } = this.#options;
    if (route.redirect !== undefined) {
      return sendText(response, 302, { ...headers, location: route.redirect }, '');
    }
    const found = await files.find({
      ...{ path: path.slice(route.trim), query },
      ...(route.compressed && { acceptEncoding: request.headers['accept-encoding'] }),
    });
    if (!found) {
      if (pages.answer(path, request, response)) return;
      return sendText(response, 404, headers, 'Not found\n');
    }
    if ('location' in found) {
      // The handler does not see what the route takes away, and the client does.
      const location = `${path.slice(0, route.trim)}${found.location}`;
      return sendText(response, 301, { ...headers, location }, '');
    }
    const kept = await answerFile(found, request, response, {
      headers,
      cacheControl: route.cacheControl(found.path) ?? 'no-cache',
      varies: route.compressed,
      now: clock.now(),
    });
    // What depends on what a client accepts has no one answer.
    if (kept && !route.compressed) this.#kept.keep(request.url ?? '', kept);
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
