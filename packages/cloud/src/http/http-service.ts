import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox';
import { type Clock, CodedError, type Component, type Logger } from '@ioto/runtime';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { addressKey } from '../limits/address-key.ts';
import { TokenBuckets } from '../limits/token-bucket.ts';
import type { Peer } from '../ports/device-endpoint.ts';
import { readsStatuses } from './agent-dialect.ts';
import { BodyBudget, type BodyLimits } from './body-budget.ts';
import { answerBrokenRequest } from './broken-requests.ts';
import { notePeer } from './connection-peer.ts';
import { sendError } from './error-answers.ts';
import type { HttpApp } from './http-app.ts';
import { parseJsonBody } from './json-body.ts';
import { OpenRequests } from './open-requests.ts';
import { nameOfPrincipal } from './principal.ts';

/** Adds one capability's routes to the app; paths are relative to where the module is mounted. */
export type RouteModule = (app: HttpApp) => void;

export interface HttpLimits {
  /** Bytes of a request's body. */
  body: number;
  /** Bytes of a request's headers together. */
  headers: number;
  /** Milliseconds for the headers, and for the whole request, to arrive. */
  headersTimeout: number;
  requestTimeout: number;
  /** Milliseconds between two looks for requests that are late. */
  checkEvery: number;
  /** Milliseconds that an idle connection is kept. */
  keepAlive: number;
  /** Requests of one address: fleets share addresses, so it only stops floods. */
  perAddress: { burst: number; period: number };
  /** Bytes of the bodies of requests that are not answered yet. */
  bodies: BodyLimits;
}

export const httpLimits: HttpLimits = {
  body: 256 * 1024,
  headers: 16 * 1024,
  headersTimeout: 15_000,
  requestTimeout: 60_000,
  checkEvery: 5000,
  keepAlive: 72_000,
  perAddress: { burst: 20_000, period: 20_000 },
  bodies: { ofCaller: 32 * 1024 ** 2, ofAddress: 8 * 1024 ** 2, ofAll: 256 * 1024 ** 2 },
};

export interface HttpServiceOptions {
  clock: Clock;
  logger: Logger;
  limits?: Partial<HttpLimits>;
  /** Mounted under `/api`. */
  api: readonly RouteModule[];
  /** Mounted at `/`. */
  root: readonly RouteModule[];
  /** Told of every answer: the route's pattern, the status, and seconds from request to answer. */
  onAnswer?: (route: string, status: number, seconds: number) => void;
  /** Takes requests that want to become something else than HTTP, such as a WebSocket. */
  onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

/** Bytes of a body that counts only until it is read. */
const SMALL_BODY = 16 * 1024;

/** The HTTP side of the one port: it never listens itself, the front door hands it connections. */
export class HttpService implements Component {
  readonly name = 'http';
  readonly #options: HttpServiceOptions;
  readonly #limits: HttpLimits;
  #requests = new OpenRequests();
  #app: HttpApp | undefined;

  constructor(options: HttpServiceOptions) {
    this.#options = options;
    this.#limits = { ...httpLimits, ...options.limits };
  }

  /** Serves one connection whose TLS is over; one that comes while this stops is closed. */
  accept(stream: Duplex, peer: Peer): void {
    if (!this.#app) {
      stream.destroy();
      return;
    }
    notePeer(stream, peer);
    this.#app.server.emit('connection', stream);
  }

  /** The server behind `accept`. Valid once started. */
  get server(): Server {
    return this.app.server;
  }

  /** The app itself, for tests that inject requests. */
  get app(): HttpApp {
    if (!this.#app) throw new CodedError('HTTP_STOPPED', 'the HTTP service has not started');
    return this.#app;
  }

  /** Requests that are not answered yet. */
  get waiting(): number {
    return this.#requests.size;
  }

  async start(): Promise<void> {
    this.#requests = new OpenRequests();
    const app = this.#create();
    this.#parseBodies(app);
    this.#hook(app);
    this.#countBodies(app);
    const { api, root } = this.#options;
    app.register(
      async (scope) => {
        for (const module of api) module(scope as unknown as HttpApp);
      },
      { prefix: '/api' },
    );
    app.register(async (scope) => {
      for (const module of root) module(scope as unknown as HttpApp);
    });
    await app.ready();
    // Node watches for slow requests only in servers that listen; this one is handed its connections instead.
    app.server.emit('listening');
    const { onUpgrade } = this.#options;
    if (onUpgrade) app.server.on('upgrade', onUpgrade);
    this.#app = app;
  }

  /** Answers what is waiting, gives running requests a moment, then closes every connection. */
  async stop(): Promise<void> {
    const app = this.#app;
    if (!app) return;
    this.#app = undefined;
    this.#requests.endAll();
    app.server.closeIdleConnections();
    await this.#requests.idle(1000);
    app.server.closeAllConnections();
    await app.close();
  }

  #create(): HttpApp {
    const { body, headers, headersTimeout, requestTimeout, checkEvery, keepAlive } = this.#limits;
    const app = Fastify({
      bodyLimit: body,
      routerOptions: { maxParamLength: 256 },
      clientErrorHandler: answerBrokenRequest,
      frameworkErrors: (error, request, reply) => sendError(request, reply, error, this.#options.logger),
      return503OnClosing: true,
      serverFactory: (handler) =>
        createServer(
          {
            maxHeaderSize: headers,
            headersTimeout,
            requestTimeout,
            keepAliveTimeout: keepAlive,
            connectionsCheckingInterval: checkEvery,
          },
          handler,
        ),
    }).withTypeProvider<TypeBoxTypeProvider>() as unknown as HttpApp;
    app.setValidatorCompiler(TypeBoxValidatorCompiler);
    return app;
  }

  #parseBodies(app: HttpApp): void {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
      const bytes = body as Buffer;
      request.rawBody = bytes;
      const isAgent = request.routeOptions.config?.agent === true;
      const lenient = isAgent && !readsStatuses(request);
      try {
        // What a device has measured or read somewhere is taken as it is.
        done(null, parseJsonBody(bytes, { lenient, wellFormed: !isAgent }));
      } catch (error) {
        done(error as Error);
      }
    });
    app.addHook('preValidation', async (request) => {
      // A verb without arguments may come without a body.
      if (request.body === undefined && request.method === 'POST') request.body = {};
    });
  }

  /** After the hooks `onRequest`, which may find out whose a body is, and before it is read. */
  #countBodies(app: HttpApp): void {
    const { bodies, body } = this.#limits;
    const budget = new BodyBudget(bodies);
    app.decorateRequest('bodyOwner', undefined);
    app.addHook('preParsing', (request, _reply, payload, done) => {
      const { principal, bodyOwner = principal && nameOfPrincipal(principal), ip } = request;
      const by = bodyOwner === undefined ? { address: addressKey(ip) } : { caller: bodyOwner };
      try {
        const bytes = bodyBytes(request, body);
        const giveBack = once(budget.take(by, bytes));
        request.whenOver(giveBack);
        // A site of thousands of devices behind one address has as many long polls under way.
        if (bytes <= SMALL_BODY) payload.once('end', giveBack);
      } catch (error) {
        done(error as Error);
        return;
      }
      done(null, payload);
    });
  }

  #hook(app: HttpApp): void {
    const { clock, logger, onAnswer } = this.#options;
    const addresses = new TokenBuckets({ clock, rule: this.#limits.perAddress });
    const requests = this.#requests;
    app.decorateRequest('principal', undefined);
    app.decorateRequest('rawBody', undefined);
    app.decorateRequest('gone', {
      getter(this: FastifyRequest) {
        return requests.signalOf(this.raw);
      },
    });
    app.decorateRequest('whenOver', function (this: FastifyRequest, callback: () => void) {
      requests.whenOver(this.raw, callback);
    });
    app.addHook('onRequest', async (request, reply) => {
      requests.began(reply.raw);
      secure(reply);
      const wait = addresses.take(addressKey(request.ip));
      if (wait > 0) throw floods(wait);
    });
    app.setErrorHandler((error, request, reply) => sendError(request, reply, error, logger));
    app.setNotFoundHandler((request, reply) => {
      const what = `${request.method} ${request.url.split('?')[0]?.slice(0, 200)}`;
      sendError(
        request,
        reply,
        new CodedError('ROUTE_UNKNOWN', `there is no ${what} here`, { status: 404 }),
        logger,
      );
    });
    if (onAnswer) {
      app.addHook('onResponse', async (request, reply) => {
        onAnswer(request.routeOptions.url ?? 'unknown', reply.statusCode, reply.elapsedTime / 1000);
      });
    }
  }
}

/** Bytes that will be read of its body at most. */
function bodyBytes({ headers, routeOptions }: FastifyRequest, usual: number): number {
  const { bodyLimit: most = usual } = routeOptions;
  if (headers['transfer-encoding'] !== undefined) return most;
  const length = Number(headers['content-length'] ?? 0);
  // A longer one is refused unread.
  return length <= most ? length : 0;
}

function secure(reply: FastifyReply): void {
  reply.header('cache-control', 'no-store');
  reply.header('x-content-type-options', 'nosniff');
  reply.header('x-frame-options', 'DENY');
  reply.header('referrer-policy', 'no-referrer');
  reply.header('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
}

function floods(wait: number): CodedError {
  return new CodedError('ADDRESS_TOO_BUSY', 'too many requests from this address', {
    status: 429,
    retryable: true,
    retryAfter: wait,
  });
}

function once(action: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    action();
  };
}
