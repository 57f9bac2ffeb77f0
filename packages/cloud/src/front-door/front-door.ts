import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket, Server as TlsServer } from 'node:tls';
import { type Clock, CodedError, type Component, type Logger, systemCode } from '@ioto/runtime';
import type { ServerIdentity, ServerIdentitySource } from '../ports/certificate-authority.ts';
import type { Peer } from '../ports/device-endpoint.ts';
import { LONGEST_CLIENT_HELLO, readClientHello } from './client-hello.ts';
import { type Door, doorFor } from './doors.ts';
import { peerOf } from './peer.ts';
import { createTlsServer, tlsOptions } from './tls-server.ts';

export interface ListenAddress {
  host: string;
  port: number;
}

export interface FrontDoorLimits {
  /** Milliseconds from connect to a whole ClientHello. */
  helloTimeout: number;
  /** Milliseconds for the TLS handshake after it. */
  handshakeTimeout: number;
  /** Connections at once on each listener. */
  connections: number;
}

export const frontDoorLimits: FrontDoorLimits = {
  helloTimeout: 10_000,
  handshakeTimeout: 30_000,
  connections: 100_000,
};

export interface FrontDoorOptions {
  listen: ListenAddress;
  mqtt?: ListenAddress;
  mtls?: ListenAddress;
  identity: ServerIdentitySource;
  /** What takes the connections of each door once TLS is over; where there is nothing, they are refused. */
  behind: Behind;
  clock: Clock;
  logger: Logger;
  limits?: Partial<FrontDoorLimits>;
  /** Told of every connection that never reached a door, with a word why. */
  onRefused?: (reason: string) => void;
}

export type Behind = Partial<Record<Door, (stream: Duplex, peer: Peer) => void>>;

const DOORS: readonly Door[] = ['mqtt', 'https', 'https-with-certificate'];

/**
 * The one TLS port: tells HTTPS and MQTT apart by the ALPN of the ClientHello, so that devices and browsers need only
 * one hole in a firewall and a browser is never asked for a client certificate. Further listeners speak one of them
 * whatever the ALPN.
 */
export class FrontDoor implements Component {
  readonly name = 'front door';
  readonly #options: FrontDoorOptions;
  readonly #limits: FrontDoorLimits;
  readonly #listeners: Server[] = [];
  readonly #waiting = new Set<Socket>();
  #tls: Record<Door, TlsServer> | undefined;
  #endRenewals: (() => void) | undefined;

  constructor(options: FrontDoorOptions) {
    this.#options = options;
    this.#limits = { ...frontDoorLimits, ...options.limits };
  }

  /** @throws LISTEN_FAILED naming the address. */
  async start(): Promise<void> {
    const { identity, listen, mqtt, mtls } = this.#options;
    const first = await identity.serverIdentity();
    const door = (name: Door) => this.#createDoor(name, first);
    this.#tls = {
      mqtt: door('mqtt'),
      https: door('https'),
      'https-with-certificate': door('https-with-certificate'),
    };
    this.#endRenewals = identity.onRenewal((renewed) => this.#renew(renewed));
    await this.#listen(listen, (socket) => this.#sniff(socket));
    if (mqtt) await this.#listen(mqtt, (socket) => this.#enter('mqtt', socket));
    if (mtls) await this.#listen(mtls, (socket) => this.#enter('https-with-certificate', socket));
  }

  async stop(): Promise<void> {
    this.#endRenewals?.();
    for (const socket of this.#waiting) socket.destroy();
    // A listener calls back when its last connection has ended; those are for HTTP and MQTT to end.
    for (const listener of this.#listeners.splice(0)) listener.close();
  }

  /** The ports that are listened on, which port 0 leaves to the system: main, then --mqtt, then --mtls. */
  get ports(): number[] {
    return this.#listeners.map((listener) => {
      const address = listener.address();
      return typeof address === 'object' && address ? address.port : 0;
    });
  }

  #listen({ host, port }: ListenAddress, onConnection: (socket: Socket) => void): Promise<void> {
    const server = createServer({ pauseOnConnect: true, noDelay: true, keepAlive: true }, onConnection);
    server.maxConnections = this.#limits.connections;
    this.#listeners.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', (error) => {
        const message = `cannot listen on ${host}:${port} (${systemCode(error)}): choose a free port of this machine`;
        reject(new CodedError('LISTEN_FAILED', message, { cause: error }));
      });
      server.listen({ host, port, backlog: 4096 }, resolve);
    });
  }

  /** Reads just enough of a connection to know its door, then puts it all back. */
  #sniff(socket: Socket): void {
    const { clock } = this.#options;
    this.#waiting.add(socket);
    let bytes: Buffer = Buffer.alloc(0);
    const settle = () => {
      cancel();
      this.#waiting.delete(socket);
      socket.off('data', onData);
    };
    const refuse = (reason: string) => {
      settle();
      this.#refuse(socket, reason);
    };
    const onData = (chunk: Buffer) => {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      const hello = readClientHello(bytes);
      if (hello.state === 'malformed') refuse('malformed ClientHello');
      else if (hello.state === 'complete') {
        settle();
        socket.pause();
        socket.unshift(bytes);
        this.#enter(doorFor(hello.alpn), socket);
      } else if (bytes.length > LONGEST_CLIENT_HELLO + 4096) refuse('oversized ClientHello');
    };
    const cancel = clock.after(this.#limits.helloTimeout, () => refuse('slow ClientHello'), { unref: true });
    socket.on('error', () => undefined);
    socket.once('close', settle);
    socket.on('data', onData);
    socket.resume();
  }

  #enter(door: Door, socket: Socket): void {
    if (!this.#options.behind[door]) this.#refuse(socket, 'no device cloud here');
    else this.#tls?.[door].emit('connection', socket);
  }

  #createDoor(door: Door, identity: ServerIdentity): TlsServer {
    const server = createTlsServer(door, identity, this.#limits.handshakeTimeout);
    server.on('tlsClientError', (error, socket) => {
      this.#options.logger.debug({ door, error: error.message }, 'TLS handshake failed');
      this.#options.onRefused?.('TLS handshake failed');
      socket.destroy();
    });
    server.on('secureConnection', (socket) => this.#admit(door, socket));
    return server;
  }

  #admit(door: Door, socket: TLSSocket): void {
    socket.on('error', () => undefined);
    if (door !== 'https' && !socket.authorized) {
      const error = String(socket.authorizationError);
      this.#options.logger.info({ door, error, address: socket.remoteAddress }, 'client certificate refused');
      this.#refuse(socket, 'client certificate refused');
    } else this.#options.behind[door]?.(socket, peerOf(socket));
  }

  #refuse(socket: Socket, reason: string): void {
    this.#options.onRefused?.(reason);
    socket.destroy();
  }

  #renew(identity: ServerIdentity): void {
    for (const door of DOORS) this.#tls?.[door].setSecureContext(tlsOptions(door, identity));
    this.#options.logger.info({ expires: identity.expires }, 'server certificate renewed');
  }
}
