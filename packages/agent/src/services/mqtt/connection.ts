import type { TLSSocket } from 'node:tls';
import type { Logger } from '@ioto/runtime';
import { CodedError, messageOf } from '@ioto/runtime';
import { type IConnackPacket, type IPublishPacket, MqttClient } from 'mqtt';
import { writeToStream } from 'mqtt-packet';
import { type ConnectionEnd, endOfConnack, endOfSocket } from './refusal.ts';

export interface ConnectionOptions {
  clientId: string;
  /** Seconds. */
  keepAlive: number;
  /** Milliseconds for CONNACK. */
  timeout: number;
  /** Filters without which the connection is of no use. */
  filters: string[];
  logger: Logger;
  /** Its promise holds back the PUBACK; when it rejects, the connection is dropped and the message comes again. */
  receive(topic: string, payload: Buffer): Promise<void>;
  /** CONNACK and SUBACK are there. */
  connected(facts: { sessionPresent: boolean }): void;
}

// Or the first packet makes a buffer for every 16-bit number beforehand, 6 MB in all.
writeToStream.cacheNumbers = false;

/** AWS takes no more filters in one SUBSCRIBE. */
const FILTERS_AT_ONCE = 8;
/** From this return code on, a SUBACK refuses a filter. */
const REFUSED = 0x80;

/** One MQTT connection over a TLS socket, from CONNECT to its end. Persistent session, no reconnecting: that is the caller's. */
export class MqttConnection {
  readonly #options: ConnectionOptions;
  readonly #client: MqttClient;
  readonly #socket: TLSSocket;
  readonly #ended: Promise<ConnectionEnd>;
  /** Ends the wait for a PUBACK or SUBACK that will not come any more. */
  readonly #unacknowledged = new Set<() => void>();
  #stage: 'unanswered' | 'connected' = 'unanswered';
  #endedByUs: ConnectionEnd | undefined;

  constructor(socket: TLSSocket, options: ConnectionOptions) {
    this.#options = options;
    this.#socket = socket;
    this.#client = new MqttClient(() => socket, {
      clientId: options.clientId,
      clean: false,
      protocolId: 'MQTT',
      protocolVersion: 4,
      keepalive: options.keepAlive,
      connectTimeout: options.timeout,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      manualConnect: true,
    });
    this.#ended = this.#watch();
  }

  /** Runs the connection; resolves with how it ended, never rejects. */
  run(): Promise<ConnectionEnd> {
    this.#client.connect();
    return this.#ended;
  }

  /** Resolves with the PUBACK. @throws MQTT_OFFLINE without a connection, once its end has begun, or when it ends before that. */
  async publish(topic: string, payload: string): Promise<void> {
    if (this.#stage !== 'connected' || !this.#client.connected || this.#endedByUs) throw offline();
    // The client itself waits for a connection that comes back, which this one does not.
    let lose: () => void = () => undefined;
    const lost = new Promise<never>((_resolve, reject) => {
      lose = () => reject(offline());
    });
    this.#unacknowledged.add(lose);
    try {
      await Promise.race([this.#client.publishAsync(topic, payload, { qos: 1 }), lost]);
    } finally {
      this.#unacknowledged.delete(lose);
    }
  }

  /**
   * Subscribes with QoS 1; resolves when all are granted.
   *
   * @throws MQTT_FILTER_REFUSED naming those that were not [MQTT-3.9.3-1], and whatever ends the connection before the
   * answer.
   */
  async subscribe(filters: readonly string[]): Promise<void> {
    for (let at = 0; at < filters.length; at += FILTERS_AT_ONCE) {
      await this.#subscribeLot(filters.slice(at, at + FILTERS_AT_ONCE));
    }
  }

  #subscribeLot(filters: string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const lose = () => reject(offline());
      this.#unacknowledged.add(lose);
      this.#client.subscribe(filters, { qos: 1 }, (error, _granted, suback) => {
        this.#unacknowledged.delete(lose);
        const refused = filters.filter((_filter, at) => Number(suback?.granted[at]) >= REFUSED);
        if (refused.length > 0) reject(filtersRefused(refused));
        else if (error) reject(error);
        else resolve();
      });
    });
  }

  /** Its end has begun by this side. */
  get isEnding(): boolean {
    return this.#endedByUs !== undefined;
  }

  /** Sends DISCONNECT and closes [MQTT-3.14]; what the endpoint has not taken within a second is dropped. */
  end(message: string): void {
    this.#endedByUs ??= { kind: 'ended', code: 'MQTT_ENDED', message };
    this.#client.end(false);
    setTimeout(() => this.#socket.destroy(), 1000).unref();
  }

  /** Resolves when the connection is over. */
  get ended(): Promise<ConnectionEnd> {
    return this.#ended;
  }

  #watch(): Promise<ConnectionEnd> {
    return new Promise((resolve) => {
      let failure: unknown;
      this.#client.on('error', (error) => {
        failure ??= error;
        this.#options.logger.debug({ error: messageOf(error) }, 'MQTT connection failed');
        this.#socket.destroy();
      });
      this.#socket.on('error', (error) => {
        failure ??= error;
      });
      this.#client.on('close', () => {
        for (const lose of [...this.#unacknowledged]) lose();
        resolve(this.#endedByUs ?? this.#endOf(failure));
      });
      this.#client.on('connect', (connack) => void this.#begin(connack));
      this.#client.handleMessage = (packet, done) => this.#receive(packet, done);
    });
  }

  async #begin(connack: IConnackPacket): Promise<void> {
    this.#stage = 'connected';
    try {
      await this.subscribe(this.#options.filters);
    } catch (error) {
      this.#client.emit('error', error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (!this.#endedByUs) this.#options.connected({ sessionPresent: connack.sessionPresent });
  }

  #receive(packet: IPublishPacket, done: (error?: Error) => void): void {
    const payload = Buffer.isBuffer(packet.payload) ? packet.payload : Buffer.from(packet.payload);
    this.#options.receive(packet.topic, payload).then(
      () => done(),
      (error) => {
        this.#options.logger.error(
          { topic: packet.topic, error: messageOf(error) },
          'a message could not be kept; it stays unacknowledged and will come again',
        );
        this.#socket.destroy();
      },
    );
  }

  #endOf(failure: unknown): ConnectionEnd {
    const returnCode = (failure as { code?: unknown } | undefined)?.code;
    return typeof returnCode === 'number' ? endOfConnack(returnCode) : endOfSocket(failure, this.#stage);
  }
}

function offline(): CodedError {
  return new CodedError('MQTT_OFFLINE', 'there is no connection to the cloud', { retryable: true });
}

function filtersRefused(filters: readonly string[]): CodedError {
  return new CodedError('MQTT_FILTER_REFUSED', `the endpoint refused to subscribe ${filters.join(', ')}`);
}
