import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket, Server as TlsServer } from 'node:tls';
import type { Clock, Logger } from '@ioto/runtime';
import type { ServerIdentity } from '../ports/certificate-authority.ts';
import type { Peer } from '../ports/device-endpoint.ts';
import { LONGEST_CLIENT_HELLO, readClientHello } from './client-hello.ts';
import { DOORS, type Door, doorFor } from './doors.ts';
import { peerOf } from './peer.ts';
import { createTlsServer, type TicketKeys, tlsOptions } from './tls-server.ts';

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

export type Behind = Partial<Record<Door, (stream: Duplex, peer: Peer) => void>>;

export interface TlsDoorsOptions {
  identity: ServerIdentity;
  /** What takes the connections of each door once TLS is over; where there is nothing, they are refused. */
  behind: Behind;
  clock: Clock;
  logger: Logger;
  limits: FrontDoorLimits;
  /** What resumed sessions are sealed with, where several processes must understand each other's. */
  ticketKeys?: TicketKeys;
  /** Told of every connection that never reached a door, with a word why. */
  onRefused?: (reason: string) => void;
}

/** The TLS of all doors: takes raw connections, finds the door of each, and hands on what is said behind TLS. */
export class TlsDoors {
  readonly #options: TlsDoorsOptions;
  readonly #waiting = new Set<Socket>();
  readonly #tls: Record<Door, TlsServer>;

  constructor(options: TlsDoorsOptions) {
    this.#options = options;
    this.#tls = {
      mqtt: this.#createDoor('mqtt'),
      https: this.#createDoor('https'),
      'https-with-certificate': this.#createDoor('https-with-certificate'),
    };
  }

  /** Takes a raw connection that nothing has been read of: to `door`, or to the one that its ALPN asks for. */
  take(socket: Socket, door?: Door): void {
    if (door) this.#enter(door, socket);
    else this.#sniff(socket);
  }

  /** New connections see the new certificate. */
  renew(identity: ServerIdentity): void {
    for (const door of DOORS) this.#tls[door].setSecureContext(tlsOptions(door, identity));
  }

  /** Ends the connections that have not said where they want to go. */
  close(): void {
    for (const socket of this.#waiting) socket.destroy();
  }

  /** Reads just enough of a connection to know its door, then puts it all back. */
  #sniff(socket: Socket): void {
    const { clock, limits } = this.#options;
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
    const cancel = clock.after(limits.helloTimeout, () => refuse('slow ClientHello'), { unref: true });
    socket.on('error', () => undefined);
    socket.once('close', settle);
    socket.on('data', onData);
    socket.resume();
  }

  #enter(door: Door, socket: Socket): void {
    if (!this.#options.behind[door]) this.#refuse(socket, 'no device cloud here');
    else this.#tls[door].emit('connection', socket);
  }

  #createDoor(door: Door): TlsServer {
    const { identity, limits, ticketKeys } = this.#options;
    const server = createTlsServer(door, identity, limits.handshakeTimeout, ticketKeys);
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
}
