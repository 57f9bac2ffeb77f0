import type { ConnackRefusal, ConnectPacket } from '../codec/packets.ts';
import type { MqttLimits } from './limits.ts';

/** Who is at the other end of a stream, as the layer below knows it. */
export interface ConnectionInfo {
  remoteAddress: string;
  /** Opaque to this package: for instance what TLS knows of the peer certificate. */
  context?: unknown;
}

/** Why a connection ended, in the words of AWS IoT's lifecycle events. */
export type DisconnectReason =
  | 'AUTH_ERROR'
  | 'CLIENT_INITIATED_DISCONNECT'
  | 'CLIENT_ERROR'
  | 'CONNECTION_LOST'
  | 'DUPLICATE_CLIENTID'
  | 'FORBIDDEN_ACCESS'
  | 'MQTT_KEEP_ALIVE_TIMEOUT'
  | 'SERVER_ERROR'
  | 'SERVER_INITIATED_DISCONNECT'
  | 'THROTTLED';

export type Authentication<P> =
  | { accept: true; principal: P }
  /** `reason` is for the log and the owner; the client only gets the return code. */
  | { accept: false; returnCode: ConnackRefusal; reason: string };

/** A PUBLISH as a client sent it, or its will. The payload is a view of received bytes: copy it to keep it for long. */
export interface ReceivedPublish {
  topic: string;
  payload: Buffer;
  qos: 0 | 1;
  dup: boolean;
  retain: boolean;
}

export interface ConnectedFacts {
  clientId: string;
  /** A ULID, new for each connection. */
  connectionId: string;
  remoteAddress: string;
  protocolLevel: 4;
  sessionPresent: boolean;
  cleanSession: boolean;
  /** Seconds, after clamping. */
  keepAlive: number;
}

export interface DisconnectedFacts {
  clientId: string;
  connectionId: string;
  reason: DisconnectReason;
  /** One sentence that names what was wrong and where; safe to show to the device's owner. */
  detail: string;
  /** The limit that was exceeded, when that was the cause. */
  limit?: keyof MqttLimits;
}

/** How messages are handed to a client that cannot take them as the standard allows. */
export interface DeliveryDialect {
  /** At most this many unacknowledged QoS 1 messages; never more than the limit of the server. */
  maxInFlight?: number;
  /** Never two packets in one write: each waits until the stream has taken the last. */
  writeEachPacket?: boolean;
}

/** Policy and consequences, the embedder's. A hook that throws or rejects costs the one connection that it was asked for. */
export interface MqttHooks<P> {
  /** The client ID is never empty here: the server has chosen one where the client asked it to. */
  authenticate(connect: ConnectPacket, info: ConnectionInfo): Promise<Authentication<P>>;
  /** False closes the connection: 3.1.1 has no other way to say no. Asked for a will at CONNECT, too. */
  mayPublish(principal: P, topic: string): boolean;
  /** False is answered with 0x80. Asked again for each subscription of a session that is resumed. */
  maySubscribe(principal: P, filter: string): boolean;
  /**
   * Called in the order of arrival. Settles when what PUBACK promises is durable; PUBACKs are sent only then, in order,
   * and only then the message goes to its subscribers. A rejection closes the connection without PUBACK.
   */
  received(principal: P, publish: ReceivedPublish): Promise<void> | void;
  connected?(principal: P, facts: ConnectedFacts): Promise<void> | void;
  disconnected?(principal: P, facts: DisconnectedFacts): Promise<void> | void;
  dialect?(principal: P, connect: ConnectPacket): DeliveryDialect | undefined;
  /** Whose session it is: one that was made for another owner is dropped instead of resumed. */
  sessionOwner?(principal: P): string;
}
