import type { HeldLimits } from '../session/held-bytes.ts';
import type { RetainedLimits } from '../topics/retained-messages.ts';

/**
 * What one client may cost. Every violation is counted under the limit's name, and that name is in what
 * `hooks.disconnected` and the log are told. The defaults are AWS IoT Core's where it has one.
 */
export interface MqttLimits extends HeldLimits, RetainedLimits {
  /** Milliseconds from `accept` to an accepted CONNECT, authentication included. */
  connectTimeout: number;
  /** Streams without an accepted CONNECT. Beyond it the one that has been silent longest is closed. */
  maxPendingConnections: number;
  /** Bytes of a CONNECT, the only packet of a client that nobody knows yet. */
  maxConnectSize: number;
  /** Bytes of any later packet, fixed header included. */
  maxPacketSize: number;
  /** Bytes of a PUBLISH payload. */
  maxPayloadSize: number;
  /** UTF-8 bytes of a client ID. */
  maxClientIdLength: number;
  /** Seconds: a client of MQTT 5 that asks for less is given this; one of 3.1.1 could not be told. */
  minKeepAlive: number;
  /** Seconds: a client that asks for more, or for none, is given this. It is dropped after 1.5 times the value. */
  maxKeepAlive: number;
  /** UTF-8 bytes of a topic name or filter; `$aws/rules/RULE/` or `$share/NAME/` in front is not counted. */
  maxTopicLength: number;
  /** Slashes + 1 of a topic name or filter; `$aws/rules/RULE/` or `$share/NAME/` in front is not counted. */
  maxTopicLevels: number;
  /** Filters in one SUBSCRIBE; those beyond are refused. */
  maxFiltersPerSubscribe: number;
  /** Subscriptions of one session; those beyond are refused. */
  maxSubscriptions: number;
  /** PUBLISHes per second from one client, with a burst of as many. Beyond it the client is read more slowly. */
  maxPublishRate: number;
  /** SUBSCRIBEs and UNSUBSCRIBEs per second from one client, with a burst of as many. Beyond it the client is read more slowly. */
  maxSubscribeRate: number;
  /**
   * PUBLISHes of one client whose `hooks.received` is not settled. Beyond it the client is not read. Clients of MQTT 5 are
   * told it as receive maximum, and closed when they hold more unreleased messages of QoS 2.
   */
  maxReceiving: number;
  /** QoS 2 messages of one client of MQTT 3.1.1, which is told no receive maximum, that it has not released. */
  maxUnreleased: number;
  /** Topic aliases of one client of MQTT 5, in each direction. */
  maxTopicAliases: number;
  /** QoS 1 and 2 messages sent to one client and not acknowledged. Beyond it messages queue. */
  maxInFlight: number;
  /** Messages that wait for one client, online or not. Beyond it new ones are dropped. */
  maxQueuedMessages: number;
  /** Bytes of topic and payload that wait for one client. Beyond it new ones are dropped. */
  maxQueuedBytes: number;
  /** Milliseconds that a message waits for one client. Beyond it the message is dropped. */
  maxQueuedAge: number;
  /** Bytes written to a client's stream that it has not taken. Beyond it the client is not read. */
  maxWriteBuffer: number;
  /** Milliseconds for which a client may take nothing of what is written to it, before it is dropped. */
  stallTimeout: number;
  /** Milliseconds for which `deliver` holds a message for a connected client that has not subscribed yet. */
  subscribeGrace: number;
  /** Sessions of the whole server, connected or not. Beyond it new clients are refused. */
  maxSessions: number;
  /** Sessions of one group, connected or not, where `hooks.sessionGroup` names one. Beyond it new clients are refused. */
  maxSessionsOfOwner: number;
  /** Milliseconds that a persistent session outlives its connection; those of MQTT 5 may ask for less. */
  sessionExpiry: number;
}

export const defaultLimits: Readonly<MqttLimits> = Object.freeze({
  connectTimeout: 10_000,
  maxPendingConnections: 1000,
  maxConnectSize: 16 * 1024,
  maxPacketSize: 132 * 1024,
  maxPayloadSize: 128 * 1024,
  maxClientIdLength: 128,
  minKeepAlive: 30,
  maxKeepAlive: 1200,
  maxTopicLength: 256,
  maxTopicLevels: 8,
  maxFiltersPerSubscribe: 8,
  maxSubscriptions: 50,
  maxPublishRate: 100,
  maxSubscribeRate: 100,
  maxReceiving: 100,
  maxUnreleased: 10_000,
  maxTopicAliases: 16,
  maxInFlight: 100,
  maxQueuedMessages: 10_000,
  maxQueuedBytes: 4 * 1024 * 1024,
  maxQueuedBytesInAll: 512 * 1024 * 1024,
  maxQueuedBytesOfOwner: 64 * 1024 * 1024,
  maxQueuedAge: 86_400_000,
  maxWriteBuffer: 256 * 1024,
  stallTimeout: 120_000,
  subscribeGrace: 10_000,
  maxSessions: 100_000,
  maxSessionsOfOwner: 1000,
  sessionExpiry: 3_600_000,
  maxRetainedMessages: 10_000,
  maxRetainedBytes: 64 * 1024 * 1024,
  maxRetainedMessagesOfOwner: Number.POSITIVE_INFINITY,
  maxRetainedBytesOfOwner: Number.POSITIVE_INFINITY,
});
