import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import {
  type Clock,
  CodedError,
  type Component,
  type Emitter,
  type Logger,
  messageOf,
  systemCode,
} from '@ioto/runtime';
import type { AgentStatus } from '../../agent.ts';
import type { AgentEvents } from '../../agent-events.ts';
import { type ListenAddress, listenAddresses } from '../../config-loading/listen-address.ts';
import { claimPage } from './claim-page.ts';
import { namesLocally } from './host-name.ts';
import { type MetricsDoor, mayReadMetrics } from './metrics-door.ts';
import { KeptAnswers } from './static-files/kept-answers.ts';
import { SiteFiles } from './static-files/site-files.ts';

export interface WebServiceOptions {
  web: Parameters<typeof listenAddresses>[0] & { readonly metrics?: MetricsDoor };
  /** `@site`. */
  site: string;
  maxConnections: number;
  /** Bytes of files kept in memory. */
  cache: number;
  clock: Clock;
  logger: Logger;
  events: Emitter<AgentEvents>;
  status: () => AgentStatus;
  /** The figures of the agent, in Prometheus' text format. */
  figures: () => string;
}

/** Of every answer: nothing is guessed, framed or leaked to other sites. */
const ALWAYS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
};
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/** Service `web`: the device's own pages, which need no cloud. */
export class WebService implements Component {
  readonly name = 'web';
  readonly #options: WebServiceOptions;
  readonly #files: SiteFiles;
  readonly #kept: KeptAnswers;
  #servers: Server[] = [];

  constructor(options: WebServiceOptions) {
    this.#options = options;
    const { site, cache, clock } = options;
    this.#files = new SiteFiles({ root: site, index: 'index.html', cache });
    this.#kept = new KeptAnswers(clock);
  }

  /** @throws CONFIG_INVALID for a bad address; WEB_LISTEN when one cannot be listened on. */
  async start(): Promise<void> {
    const { web, logger, events } = this.#options;
    const urls: string[] = [];
    for (const address of listenAddresses(web)) {
      if (address.secure) {
        logger.warn(
          { port: address.port },
          'this build listens on http addresses only; an https address was left out',
        );
        continue;
      }
      urls.push(await this.#listen(address));
    }
    events.emit('web:listening', { addresses: urls });
  }

  async stop(): Promise<void> {
    const servers = this.#servers;
    this.#servers = [];
    await Promise.all(
      servers.map((server) => {
        const closed = new Promise<void>((resolve) => server.close(() => resolve()));
        server.closeAllConnections();
        return closed;
      }),
    );
  }

  async #listen({ host, port }: ListenAddress): Promise<string> {
    const server = createServer(
      {
        ...{ maxHeaderSize: 8192, headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 10_000 },
        // Who says nothing must not hold one of the few connections for much longer than it may.
        connectionsCheckingInterval: 2000,
      },
      (request, response) => {
        if (!this.#kept.answer(request, response)) void this.#serve(request, response);
      },
    );
    server.maxConnections = this.#options.maxConnections;
    this.#servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) =>
        reject(
          new CodedError(
            'WEB_LISTEN',
            `cannot listen on ${host ?? '*'}:${port} (${systemCode(error)}): name another address under listen in web.json5`,
            { cause: error },
          ),
        ),
      );
      server.listen({ host, port }, resolve);
    });
    const bound = server.address() as AddressInfo;
    const name = host === undefined ? 'localhost' : host.includes(':') ? `[${host}]` : host;
    return `http://${name}:${bound.port}/`;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#answer(request, response);
    } catch (error) {
      this.#options.logger.warn({ error: messageOf(error) }, 'a web request failed');
      if (response.headersSent) response.destroy();
      else send(response, 500, {}, 'Something went wrong\n');
    }
  }

  /** The claim ID is for whoever stands before an unclaimed device, and not for websites; afterwards it is nobody's business. */
  #statusFor({ headers }: IncomingMessage): AgentStatus {
    const { id, ...status } = this.#options.status();
    return status.claimed || !namesLocally(headers.host, this.#listens()) ? status : { ...status, id };
  }

  /** Names and addresses that the device was told to listen on. */
  #listens(): string[] {
    return listenAddresses(this.#options.web).flatMap(({ host }) => host?.toLowerCase() ?? []);
  }

  #mayReadMetrics(request: IncomingMessage): boolean {
    return mayReadMetrics(this.#options.web.metrics ?? 'loopback', request, this.#listens());
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Nothing here takes a body: what comes is read away by Node, bounded by the request timeout.
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      send(response, 405, { allow: 'GET, HEAD', connection: 'close' }, 'Method not allowed\n');
      return;
    }
    const target = request.url ?? '/';
    const path = target.split('?', 1)[0] ?? '/';
    const found = await this.#files.find(target, request.headers['if-none-match']);
    if (found) {
      const headers = Object.entries({ ...ALWAYS, ...found.headers })
        .flat()
        .map(String);
      if (found.isWhole && Buffer.isBuffer(found.body))
        this.#kept.keep(target, { headers, body: found.body });
      response.writeHead(found.status, headers);
      if (request.method === 'HEAD' || Buffer.isBuffer(found.body)) {
        if (!Buffer.isBuffer(found.body)) found.body.destroy();
        response.end(request.method === 'HEAD' ? undefined : found.body);
      } else {
        await pipeline(found.body, response);
      }
    } else if (path === '/') {
      const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': PAGE_POLICY };
      send(response, 200, { ...headers, 'cache-control': 'no-store' }, claimPage(this.#statusFor(request)));
    } else if (path === '/api/status') {
      const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
      send(response, 200, headers, JSON.stringify(this.#statusFor(request)));
    } else if (path === '/metrics' && this.#mayReadMetrics(request)) {
      const headers = { 'content-type': METRICS_TYPE, 'cache-control': 'no-store' };
      send(response, 200, headers, this.#options.figures());
    } else {
      send(response, 404, {}, 'Not found\n');
    }
  }
}

function send(response: ServerResponse, status: number, headers: OutgoingHttpHeaders, body: string): void {
  response.writeHead(status, {
    ...ALWAYS,
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}
