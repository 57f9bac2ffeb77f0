import type { ConnackRefusal, ConnectPacket, ProtocolLevel, Qos } from '../codec/packets.ts';
import type { ReasonCode } from '../codec/reason-codes.ts';
import type { MessageProperties } from '../session/message.ts';
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
  | {
      accept: true;
      principal: P;
      /**
       * What the client's session is held under, in place of the client ID: keeps clients apart that may choose the same
       * one. The client never learns it; `deliver`, `disconnect` and the others of the server are called with it.
       */
      sessionId?: string;
    }
  | {
      accept: false;
      /** In MQTT 5 it becomes the reason code that says the same. */
      returnCode: ConnackRefusal;
      /** For the log and the owner, not for the client. */
      reason: string;
      /** For clients of MQTT 5: a more exact reason code. */
      reasonCode?: ReasonCode;
      /** For clients of MQTT 5: what they may know. */
      reasonString?: string;
    };

/** A PUBLISH as a client sent it, or its will. The payload is a view of received bytes: copy it to keep it for long. */
export interface ReceivedPublish {
  topic: string;
  payload: Buffer;
  qos: Qos;
  dup: boolean;
  retain: boolean;
  /** MQTT 5. */
  properties?: MessageProperties;
}

export interface ConnectedFacts {
  clientId: string;
  /** A ULID, new for each connection. */
  connectionId: string;
  remoteAddress: string;
  protocolLevel: ProtocolLevel;
  sessionPresent: boolean;
  cleanSession: boolean;
  /** Seconds that the session outlives the connection, after the server's limit; Infinity for ever. */
  sessionExpiry: number;
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

/** What one client did beyond one limit within a second, whether its connection ended for it or not. */
export interface LimitExceeded {
  /** As in the session: what `Authentication.sessionId` said, or the client ID. */
  clientId: string;
  /** What `hooks.sessionOwner` said of its session. */
  owner: string | undefined;
  limit: keyof MqttLimits;
  /** How often. */
  count: number;
  /** The last time: one sentence that is safe to show to the device's owner. */
  detail: string;
}

export interface SubscriptionFacts {
  clientId: string;
  connectionId: string;
  /** Those of one packet that were granted, or removed; never none. */
  filters: string[];
}

/** How messages are handed to a client that cannot take them as the standard allows. */
export interface DeliveryDialect {
  /** At most this many unacknowledged messages of QoS 1 and 2; never more than the limit of the server. */
  maxInFlight?: number;
  /** Never two packets in one write: each waits until the stream has taken the last. */
  writeEachPacket?: boolean;
}

/** Policy and consequences, the embedder's. A hook that throws or rejects costs the one connection that it was asked for. */
export interface MqttHooks<P> {
  /** The client ID is never empty here: the server has chosen one where the client asked it to. */
  authenticate(connect: ConnectPacket, info: ConnectionInfo): Promise<Authentication<P>>;
  /**
   * False closes the connection, except with MQTT 5 and QoS 1 or 2, where the acknowledgement says no. Asked for a will at
   * CONNECT, and again when it is published.
   */
  mayPublish(principal: P, topic: string): boolean;
  /**
   * Asked of each PUBLISH that is to be retained, after `mayPublish`; false has the same consequences. Absent: whoever may
   * publish to a topic may leave a message there.
   */
  mayRetain?(principal: P, topic: string): boolean;
  /** Whose the retained message of a topic is, for the limits for each owner. Absent, or undefined: nobody's, only the limits of all count. */
  retainedOwner?(topic: string): string | undefined;
  /**
   * False is answered with 0x80, in MQTT 5 with 0x87. Asked again for each subscription of a session that is resumed. For a
   * shared subscription the filter comes without `$share/{name}/`, whose name is `share`.
   */
  maySubscribe(principal: P, filter: string, share?: string): boolean;
  /**
   * Asked for each message before it is queued to the client, and again before it is sent if it had to wait; also while the
   * client is away, of the principal that it last was. What is refused is not delivered; with a shared subscription another
   * member gets it. Absent: a client hears what it was allowed to subscribe.
   */
  mayReceive?(principal: P, topic: string): boolean;
  /**
   * Called in the order of arrival, once for each message of QoS 2. Settles when what PUBACK or PUBREC promises is durable;
   * they are sent only then, in order, and only then the message goes to its subscribers. A rejection closes the connection
   * without either.
   */
  received(principal: P, publish: ReceivedPublish): Promise<void> | void;
  connected?(principal: P, facts: ConnectedFacts): Promise<void> | void;
  disconnected?(principal: P, facts: DisconnectedFacts): Promise<void> | void;
  subscribed?(principal: P, facts: SubscriptionFacts): void;
  unsubscribed?(principal: P, facts: SubscriptionFacts): void;
  /** At most once a second for each client and limit. */
  limitExceeded?(facts: LimitExceeded): void;
  dialect?(principal: P, connect: ConnectPacket): DeliveryDialect | undefined;
  /** MQTT 5: what a client is told that asks for response information (5.0, 3.2.2.3.15), for its response topics. */
  responseInformation?(principal: P): string | undefined;
  /** Whose session it is: one that was made for another owner is dropped instead of resumed. */
  sessionOwner?(principal: P): string;
  /**
   * Whose the messages are that a session holds, for the limit for each owner; asked once for each session, with what
   * `sessionOwner` said, which is all that is known of one that a store has kept. Absent, or undefined: nobody's, only the
   * limit of all counts.
   */
  queueOwner?(sessionOwner: string): string | undefined;
  /**
   * With whose sessions a session counts, for `maxSessionsOfOwner`; asked once for each session, with what `sessionOwner`
   * said. Absent, or undefined: with nobody's, only the limit of all counts.
   */
  sessionGroup?(sessionOwner: string): string | undefined;
  /**
   * What `mayReceive` would say of the client of a session that a store has kept, until it comes and is known; asked once
   * for each, what it returns for each message. `clientId` is as in the session. Absent, or undefined: everything is kept
   * for the client, and looked at before it is sent; of a shared subscription, it is then lost to the other members.
   */
  receivesWhileAway?(sessionOwner: string, clientId: string): ((topic: string) => boolean) | undefined;
}
