import { createServer, type Server, type Socket } from 'node:net';
import type { Clock, Component, Logger } from '@ioto/runtime';
import type { ServerIdentity, ServerIdentitySource } from '../ports/certificate-authority.ts';
import { BACKLOG, type ListenAddress, listenFailed } from './listen-address.ts';
import { type Behind, type FrontDoorLimits, frontDoorLimits, TlsDoors } from './tls-doors.ts';

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
  #doors: TlsDoors | undefined;
  #endRenewals: (() => void) | undefined;

  constructor(options: FrontDoorOptions) {
    this.#options = options;
    this.#limits = { ...frontDoorLimits, ...options.limits };
  }

  /** @throws LISTEN_FAILED naming the address. */
  async start(): Promise<void> {
    const { identity, listen, mqtt, mtls, behind, clock, logger, onRefused } = this.#options;
    const first = await identity.serverIdentity();
    const doors = new TlsDoors({
      ...{ identity: first, limits: this.#limits, behind, clock, logger, onRefused },
    });
    this.#doors = doors;
    this.#endRenewals = identity.onRenewal((renewed) => this.#renew(renewed));
    await this.#listen(listen, (socket) => doors.take(socket));
    if (mqtt) await this.#listen(mqtt, (socket) => doors.take(socket, 'mqtt'));
    if (mtls) await this.#listen(mtls, (socket) => doors.take(socket, 'https-with-certificate'));
  }

  async stop(): Promise<void> {
    this.#endRenewals?.();
    this.#doors?.close();
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

  #listen(address: ListenAddress, onConnection: (socket: Socket) => void): Promise<void> {
    const server = createServer({ pauseOnConnect: true, noDelay: true, keepAlive: true }, onConnection);
    server.maxConnections = this.#limits.connections;
    this.#listeners.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(listenFailed(address, error)));
      server.listen({ ...address, backlog: BACKLOG }, resolve);
    });
  }

  #renew(identity: ServerIdentity): void {
    this.#doors?.renew(identity);
    this.#options.logger.info({ expires: identity.expires }, 'server certificate renewed');
  }
}
