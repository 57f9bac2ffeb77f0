import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Clock, Component, Logger } from '@ioto/runtime';
import { BACKLOG } from '../front-door/listen-address.ts';
import type { Behind } from '../front-door/tls-doors.ts';
import type { Peer } from '../ports/device-endpoint.ts';
import { readHandover, SECRET_LENGTH } from './handover.ts';
import { type PrivateSocketPath, privateSocketPath } from './private-socket.ts';
import { APART } from './write-apart.ts';

/** Milliseconds for the header, which workers send at once. */
const HEADER_TIMEOUT = 10_000;

/** Milliseconds in which a client takes an answer that came before it had said all. */
const LINGER = 2000;

export interface CoreDoorOptions {
  /** Private directory for the socket, if it has room for one. */
  directory?: string;
  behind: Behind;
  clock: Clock;
  logger: Logger;
  /** Told of every connection that never reached a door, with a word why. */
  onRefused?: (reason: string) => void;
}

/** Where workers bring the connections whose TLS they have done: a socket that only this user's processes can reach. */
export class CoreDoor implements Component {
  readonly name = 'door of the TLS workers';
  /** Made anew for each start of the program, and told only to its workers. */
  readonly secret: Buffer = randomBytes(SECRET_LENGTH);
  readonly #options: CoreDoorOptions;
  readonly #waiting = new Set<Socket>();
  #place: PrivateSocketPath | undefined;
  #server: Server | undefined;

  constructor(options: CoreDoorOptions) {
    this.#options = options;
  }

  /** Path of the socket. Valid once started. */
  get path(): string {
    return this.#place?.path ?? '';
  }

  /** @throws SOCKET_PATH_TOO_LONG, or what the system says of the socket. */
  async start(): Promise<void> {
    this.#place = await privateSocketPath(this.#options.directory);
    this.#server = createServer((socket) => this.#read(socket));
    this.#server.listen({ path: this.path, backlog: BACKLOG });
    await once(this.#server, 'listening');
  }

  /** The connections that it has handed on are for HTTP and MQTT to end. */
  async stop(): Promise<void> {
    this.#server?.close();
    this.#server = undefined;
    for (const socket of this.#waiting) socket.destroy();
    await this.#place?.remove();
    this.#place = undefined;
  }

  #read(socket: Socket): void {
    this.#waiting.add(socket);
    let bytes: Buffer = Buffer.alloc(0);
    const settle = () => {
      cancel();
      this.#waiting.delete(socket);
      socket.off('readable', onReadable);
    };
    const refuse = () => {
      settle();
      this.#options.logger.warn({}, 'a connection that no TLS worker of this cloud handed on');
      this.#options.onRefused?.('handover refused');
      socket.destroy();
    };
    // Not by flowing: what takes the stream over must find one that begins to flow when it listens.
    const onReadable = () => {
      const chunk: Buffer | null = socket.read();
      if (chunk === null) return;
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      const read = readHandover(bytes);
      if (read.state === 'incomplete') return;
      if (read.state === 'malformed' || !timingSafeEqual(read.handover.secret, this.secret)) {
        refuse();
        return;
      }
      settle();
      if (bytes.length > read.length) socket.unshift(bytes.subarray(read.length));
      const { door, peer } = read.handover;
      const stream = standingFor(socket, peer, this.#options.clock);
      const keepWritesApart = () => void socket.write(Buffer.from([APART]));
      this.#options.behind[door]?.(stream, door === 'mqtt' ? { ...peer, keepWritesApart } : peer);
    };
    const cancel = this.#options.clock.after(HEADER_TIMEOUT, refuse, { unref: true });
    socket.on('error', () => undefined);
    socket.once('close', settle);
    socket.on('readable', onReadable);
  }
}

/**
 * Says of itself what the TLS connection would that it stands for; HTTP takes the address of its client from there. HTTP
 * answers some requests before it has read them, and then leaves: what comes meanwhile is still taken for a moment, since
 * the system would throw the answer away with it.
 */
function standingFor(socket: Socket, { remoteAddress }: Peer, clock: Clock): Socket {
  const destroySoon = () => {
    // HTTP reads past the stream, unless somebody else listens.
    socket.on('data', () => undefined);
    socket.removeAllListeners('data');
    socket.resume();
    socket.end();
    socket.once(
      'close',
      clock.after(LINGER, () => socket.destroy(), { unref: true }),
    );
  };
  return Object.defineProperties(socket, {
    remoteAddress: { value: remoteAddress },
    encrypted: { value: true },
    destroySoon: { value: destroySoon },
  });
}
