import type { Duplex } from 'node:stream';
import type { Clock, Logger } from '@ioto/runtime';
import type { MqttCounters } from './server/counters.ts';
import type { ConnectionInfo, DisconnectReason, MqttHooks } from './server/hooks.ts';
import type { MqttLimits } from './server/limits.ts';
import type { DeliveryOutcome } from './session/message.ts';

export type { ConnackRefusal, ConnectPacket, Packet, Qos, Will } from './codec/packets.ts';
export type { MqttCounters } from './server/counters.ts';
export type {
  Authentication,
  ConnectedFacts,
  ConnectionInfo,
  DeliveryDialect,
  DisconnectedFacts,
  DisconnectReason,
  MqttHooks,
  ReceivedPublish,
} from './server/hooks.ts';
export { defaultLimits, type MqttLimits } from './server/limits.ts';
export type { DeliveryOutcome } from './session/message.ts';

export interface MqttServerOptions<P> {
  hooks: MqttHooks<P>;
  /** Those that differ from `defaultLimits`. */
  limits?: Partial<MqttLimits>;
  clock: Clock;
  logger: Logger;
}

export interface PublishOptions {
  /** Default 0. */
  qos?: 0 | 1;
  /** Default false. */
  retain?: boolean;
}

export interface DeliverOptions {
  /** Default 1. */
  qos?: 0 | 1;
  /** Milliseconds to wait for the outcome; default: as long as the session lives. */
  timeout?: number;
}

/** An MQTT 3.1.1 server over any Duplex. */
export declare class MqttServer<P> {
  constructor(options: MqttServerOptions<P>);
  readonly counters: Readonly<MqttCounters>;
  /** Serves one client on a stream whose bytes are MQTT's from the first. Owns the stream from here on. */
  accept(stream: Duplex, info: ConnectionInfo): void;
  /** Queues a message to every session with a matching subscription; returns how many took it. */
  publish(topic: string, payload: Buffer | string, options?: PublishOptions): number;
  /**
   * Queues a message to one client's session, if a subscription of it matches. A connected client that has not
   * subscribed yet is given `subscribeGrace` to do so. Never rejects.
   */
  deliver(
    clientId: string,
    topic: string,
    payload: Buffer | string,
    options?: DeliverOptions,
  ): Promise<DeliveryOutcome>;
  /** Closes a client's connection; its persistent session stays. False when it is not connected. */
  disconnect(clientId: string, reason: DisconnectReason, detail?: string): boolean;
  /** Ends a client's session, queue and all, and its connection. */
  dropSession(clientId: string): void;
  isConnected(clientId: string): boolean;
  /** Closes every connection and ends every session. */
  stop(): Promise<void>;
}
