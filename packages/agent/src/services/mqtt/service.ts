import type { TLSSocket } from 'node:tls';
import { masterFilters } from '@ioto/protocol';
import type { Clock, Component, Emitter, Logger } from '@ioto/runtime';
import { CodedError, isCodedError, messageOf } from '@ioto/runtime';
import type { Traffic } from '../../agent.ts';
import type { AgentEvents } from '../../agent-events.ts';
import type { AgentSettings } from '../../config.ts';
import { certificateFacts, readCertificate } from '../../identity/certificate.ts';
import type { ServiceName } from '../../service-table.ts';
import type { MqttConnection } from './connection.ts';
import { type ConnectionEnd, endOfSocket } from './refusal.ts';
import { openTls, type TlsTarget } from './tls-socket.ts';

/** A part of the agent that talks over the connection. */
export interface ConnectionUser {
  /** The device is about to connect as this owner's. When it rejects, the device does not connect. */
  prepare?(owner: Owner): void | Promise<void>;
  /** The connection is up and subscribed. */
  connected?(publish: Publish): void;
  /** Its end has begun; told once for each connection. */
  disconnected?(): void;
}

/** Who owns the device. */
export interface Owner {
  id: string;
  accountId: string;
}

/** Filters beyond those that every device subscribes, for one service. */
export interface Subscription {
  /** Its name in the service table. */
  service: ServiceName;
  /** All with QoS 1. */
  filters: readonly string[];
  /** Told of a connection once it has all its filters there, and not told of one that refused any. */
  user: ConnectionUser;
}

export type Publish = (topic: string, payload: string) => Promise<void>;

export interface MqttServiceOptions {
  clock: Clock;
  logger: Logger;
  events: Emitter<AgentEvents>;
  settings: AgentSettings['mqtt'];
  /** Bytes of the largest message that is handled. */
  maxMessage: number;
  /** Handles one message; see MqttConnection. */
  receive(topic: string, payload: Buffer): Promise<void>;
  /** Told of each message. */
  traffic?: (piece: Traffic) => void;
}

/** Who connects where, and what it trusts. */
export interface Credentials extends TlsTarget, Owner {}

/**
 * The client library is loaded while the device waits to be claimed, or when it first connects: local services need
 * neither its time nor its memory.
 */
const loadClient = () => import('./connection.ts');

/** Service `mqtt`: the connection to the cloud, shared by the services that talk to it. */
export class MqttService implements Component {
  readonly name = 'mqtt';
  readonly #options: MqttServiceOptions;
  readonly #users: ConnectionUser[] = [];
  readonly #subscriptions: Subscription[] = [];
  #connection: MqttConnection | undefined;
  /** Those that were told of the connection, and not yet of its end. */
  readonly #told = new Set<ConnectionUser>();
  #off: (() => void) | undefined;

  constructor(options: MqttServiceOptions) {
    this.#options = options;
  }

  /** Tells `user` of connections from now on. */
  addUser(user: ConnectionUser): void {
    this.#users.push(user);
  }

  /**
   * Subscribes more on every connection from now on, after the filters of the contract. An endpoint that refuses one
   * makes the service unavailable on that connection (`service:unavailable`); the connection goes on.
   */
  addSubscription(subscription: Subscription): void {
    this.#subscriptions.push(subscription);
  }

  async start(): Promise<void> {
    this.#off = this.#options.events.once('device:waiting', () => loadClient().then(() => undefined));
  }

  async stop(): Promise<void> {
    this.#off?.();
    this.disconnect('the agent stops');
    await this.#connection?.ended;
  }

  /** Ends the connection; `connect` then resolves with `ended`. */
  disconnect(reason: string): void {
    this.#connection?.end(reason);
    this.#tellOfEnd();
  }

  /** Resolves with the PUBACK. @throws MQTT_OFFLINE */
  readonly publish: Publish = async (topic, payload) => {
    if (!this.#connection) throw offline();
    this.#options.traffic?.({ over: 'mqtt', direction: 'out', head: [topic], body: payload });
    await this.#connection.publish(topic, payload);
  };

  /** Subscribes more on the present connection alone. @throws MQTT_OFFLINE, MQTT_FILTER_REFUSED. */
  async subscribe(filters: readonly string[]): Promise<void> {
    if (!this.#connection) throw offline();
    await this.#connection.subscribe(filters);
  }

  /**
   * Connects and stays so; resolves with how it ended and how long it was up, in milliseconds. Rejects only when a user
   * cannot prepare for the owner.
   */
  async connect(credentials: Credentials, signal: AbortSignal): Promise<ConnectionEnd & { lasted: number }> {
    const { id, accountId } = credentials;
    for (const user of this.#everyone()) await user.prepare?.({ id, accountId });
    // Before the handshake, so that nothing comes between it and the first listener on its socket.
    const { MqttConnection: Connection } = await loadClient();
    const socket = await this.#open(credentials, signal);
    if ('kind' in socket) return { ...socket, lasted: 0 };
    const { clock } = this.#options;
    let since: number | undefined;
    const connection = this.#makeConnection(Connection, socket, credentials, () => {
      since = clock.now();
    });
    this.#connection = connection;
    const onAbort = () => this.disconnect('the agent stops');
    signal.addEventListener('abort', onAbort, { once: true });
    const end = await connection.run();
    signal.removeEventListener('abort', onAbort);
    this.#connection = undefined;
    this.#tellOfEnd();
    if (since !== undefined) {
      this.#options.events.emit('mqtt:disconnected', { reason: end.message });
    }
    return { ...end, lasted: since === undefined ? 0 : clock.now() - since };
  }

  #tellOfEnd(): void {
    for (const user of this.#told) {
      this.#told.delete(user);
      user.disconnected?.();
    }
  }

  #tell(user: ConnectionUser): void {
    this.#told.add(user);
    user.connected?.(this.publish);
  }

  #everyone(): Set<ConnectionUser> {
    return new Set([...this.#users, ...this.#subscriptions.map(({ user }) => user)]);
  }

  /** One service after the other, so that a connection that ends meanwhile is told to those that had it. */
  async #subscribeMore(connection: MqttConnection): Promise<void> {
    for (const { service, filters, user } of this.#subscriptions) {
      try {
        await connection.subscribe(filters);
      } catch (error) {
        if (connection.isEnding || isCodedError(error, 'MQTT_OFFLINE')) return;
        const code = isCodedError(error) ? error.code : 'MQTT_FILTER_FAILED';
        this.#options.events.emit('service:unavailable', { service, code, message: messageOf(error) });
        continue;
      }
      if (connection.isEnding) return;
      this.#tell(user);
    }
  }

  async #open(credentials: Credentials, signal: AbortSignal): Promise<TLSSocket | ConnectionEnd> {
    const { clock, settings } = this.#options;
    const late = new AbortController();
    const cancel = clock.after(settings.timeout, () =>
      late.abort(new CodedError('MQTT_TIMEOUT', `${credentials.endpoint} did not answer in time`)),
    );
    try {
      return await openTls(credentials, AbortSignal.any([signal, late.signal]));
    } catch (error) {
      if (signal.aborted) return { kind: 'ended', code: 'MQTT_ENDED', message: 'the agent stops' };
      return endOfSocket(error, 'connecting');
    } finally {
      cancel();
    }
  }

  #makeConnection(
    Connection: typeof MqttConnection,
    socket: TLSSocket,
    credentials: Credentials,
    onUp: () => void,
  ): MqttConnection {
    const { logger, settings, events, maxMessage } = this.#options;
    const { id, accountId, endpoint, port, certificate } = credentials;
    const connection: MqttConnection = new Connection(socket, {
      clientId: id,
      keepAlive: Math.min(65_535, Math.max(1, Math.round(settings.keepAlive / 1000))),
      timeout: settings.timeout,
      filters: masterFilters(id, accountId),
      logger,
      receive: async (topic, payload) => {
        this.#options.traffic?.({ over: 'mqtt', direction: 'in', head: [topic], body: payload });
        if (payload.length <= maxMessage) return this.#options.receive(topic, payload);
        logger.warn(
          { topic, size: payload.length, limit: maxMessage },
          'dropped a message over limits.message',
        );
      },
      connected: ({ sessionPresent }) => {
        onUp();
        events.emit('mqtt:connected', {
          endpoint,
          port,
          tlsVersion: socket.getProtocol() ?? 'unknown',
          cipher: socket.getCipher().standardName,
          alpn: socket.alpnProtocol || undefined,
          sessionPresent,
          certificate: certificateFacts(readCertificate(certificate)),
        });
        for (const user of this.#users) this.#tell(user);
        void this.#subscribeMore(connection);
      },
    });
    return connection;
  }
}

function offline(): CodedError {
  return new CodedError('MQTT_OFFLINE', 'there is no connection to the cloud', { retryable: true });
}
