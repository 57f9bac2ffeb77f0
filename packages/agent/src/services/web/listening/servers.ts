import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { CodedError, systemCode } from '@ioto/runtime';
import type { ListenAddress } from '../../../config-loading/listen-address.ts';
import { Admission } from './admission.ts';
import { MostWaiting } from './most-waiting.ts';
import type { KeyPair } from './own-certificate.ts';
import { type UpgradeListener, Upgrades } from './upgrades.ts';

export interface ServerBounds {
  connections: number;
  /** Bytes of request line and headers. */
  header: number;
  /** Of a connection. */
  requests: number;
  /** Of a connection that wait for their turn. */
  pipeline: number;
}

/** Milliseconds. */
export interface ServerPatience {
  parse: number;
  inactivity: number;
  keepAlive: number;
  request: number;
}

export interface ServersOptions {
  bounds: ServerBounds;
  patience: ServerPatience;
  handle: (request: IncomingMessage, response: ServerResponse) => void;
  /** Requests to speak another protocol. */
  upgrade: UpgradeListener;
  /** Certificate and all of HTTPS; asked for when the first such address is listened on. */
  tls: () => Promise<TlsOptions>;
}

/** Milliseconds from one look for connections that are late to the next: they may stay so much longer. */
const CHECK = 2000;
/** Node counts time in 32 bits. */
const LONGEST = 2 ** 31 - 1;

/** The listening sockets of the web server, and what one connection may cost. */
export class Servers {
  readonly #options: ServersOptions;
  readonly #upgrades: Upgrades;
  #servers: (Server | HttpsServer)[] = [];
  readonly #admission: Admission;
  #tls: TlsOptions | undefined;

  constructor(options: ServersOptions) {
    this.#options = options;
    this.#upgrades = new Upgrades(options.upgrade);
    this.#admission = new Admission(options.bounds.connections);
  }

  /**
   * Listens on one address more; resolves with its URL.
   *
   * @throws WEB_LISTEN
   */
  async listen({ secure, host, port }: ListenAddress): Promise<string> {
    const server = await this.#server(secure);
    this.#servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) =>
        reject(
          new CodedError(
            'WEB_LISTEN',
            `cannot listen on ${host ?? '*'}:${port} (${systemCode(error)}): ${adviceOn(error)}`,
            { cause: error },
          ),
        ),
      );
      server.listen({ host, port }, resolve);
    });
    const bound = server.address() as AddressInfo;
    const name = host === undefined ? 'localhost' : host.includes(':') ? `[${host}]` : host;
    return `http${secure ? 's' : ''}://${name}:${bound.port}/`;
  }

  /** Shows another certificate to whoever connects from now on. */
  show({ cert, key }: KeyPair): void {
    for (const server of this.#servers) {
      if ('setSecureContext' in server) server.setSecureContext({ ...this.#tls, cert, key });
    }
  }

  async close(): Promise<void> {
    const servers = this.#servers;
    this.#servers = [];
    this.#upgrades.close();
    const closed = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    // Node's own way leaves out those whose TLS has not begun.
    this.#admission.endAll();
    await Promise.all(closed);
  }

  async #server(secure: boolean): Promise<Server | HttpsServer> {
    const { bounds, patience, handle } = this.#options;
    const waiting = new MostWaiting(bounds.pipeline);
    const options = {
      maxHeaderSize: bounds.header,
      // Node wants no part of a request to take longer than all of it.
      headersTimeout: millis(Math.min(patience.parse, patience.request)),
      requestTimeout: millis(patience.request),
      keepAliveTimeout: millis(patience.keepAlive),
      connectionsCheckingInterval: CHECK,
    };
    const answer = (request: IncomingMessage, response: ServerResponse) => {
      if (waiting.admits(request.socket, response)) handle(request, response);
    };
    const server = secure
      ? (await import('node:https')).createServer(
          { ...options, ...(await this.#tlsOptions()), handshakeTimeout: millis(patience.parse) },
          answer,
        )
      : createServer(options, answer);
    server.maxRequestsPerSocket = Number.isFinite(bounds.requests) ? bounds.requests : 0;
    server.timeout = millis(patience.inactivity);
    // Who asks whether to send a body is told so when the body is read, or refused before.
    server.on('checkContinue', answer);
    server.on('connection', (socket: Socket) => this.#admit(socket));
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      // An answer that is still on its way would be mixed into the other protocol.
      if (waiting.isIdle(socket)) this.#upgrades.take(request, socket, head);
      else socket.destroy();
    });
    return server;
  }

  async #tlsOptions(): Promise<TlsOptions> {
    this.#tls ??= await this.#options.tls();
    return this.#tls;
  }

  /** All addresses share the bound on connections: what is over it is reset, without a word that would cost more. */
  #admit(socket: Socket): void {
    if (!this.#admission.admits(socket)) socket.resetAndDestroy();
  }
}

function adviceOn(error: unknown): string {
  const other = 'name another address under listen in web.json5';
  return systemCode(error) === 'EACCES'
    ? `ports below 1024 are for root, or with the capability CAP_NET_BIND_SERVICE; else ${other}`
    : other;
}

/** As Node takes it: 0 is for ever. */
function millis(time: number): number {
  return time >= LONGEST ? 0 : time;
}
