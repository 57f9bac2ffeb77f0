import type { Qos } from '../codec/packets.ts';
import type { Properties } from '../codec/properties.ts';

/**
 * What became of a message for one client: `acknowledged` by its PUBACK or PUBCOMP; `sent`, which is all there is to know
 * with QoS 0; `offline`: it has no session that would keep the message; `unsubscribed`: it never subscribed to the topic;
 * `timeout`: no acknowledgement in time, the message stays queued; `dropped`: its queue is full, the message is too old or
 * too large for the client, the client refused it, or its session ended.
 */
export type DeliveryOutcome = 'acknowledged' | 'sent' | 'offline' | 'unsubscribed' | 'timeout' | 'dropped';

/** The properties of a message that go unchanged to its subscribers (5.0, 3.3.2.3). */
export type MessageProperties = Pick<
  Properties,
  'payloadFormatIndicator' | 'contentType' | 'responseTopic' | 'correlationData' | 'userProperties'
>;

/** A message on its way to subscribers; one object for all of them. */
export interface Message {
  topic: string;
  /** The topic in UTF-8, once somebody needed it. */
  topicBytes?: Buffer;
  payload: Buffer;
  /** True once the payload is no view of a received chunk. */
  detached?: boolean;
  qos: Qos;
  /** As it was published. */
  retain: boolean;
  properties?: MessageProperties;
  /** Milliseconds since the epoch: not delivered after that (5.0, 3.3.2.3.3). */
  expiresAt?: number;
  /** Milliseconds since the epoch when it was retained; unknown of one that an older program has kept. */
  retainedAt?: number;
  /** True for a message that its sender keeps and sends anew after a restart: no session writes it down. */
  transient?: boolean;
  /** Client ID of who published it; undefined for the server itself. */
  publisher?: string;
  /** Client ID of who has it already: it is not given it by its subscriptions. */
  except?: string;
}

/** One message for one client. */
export interface Delivery {
  message: Message;
  /** The lower of the message's and the subscription's QoS [MQTT-3.8.4-6]. */
  qos: Qos;
  /** The flag that the client is sent [MQTT-3.3.1-8] [MQTT-3.3.1-9] [MQTT5-3.3.1-12] [MQTT5-3.3.1-13]. */
  retain: boolean;
  /** Of the subscriptions that let it in [MQTT5-3.3.4-3]. */
  identifiers?: number[];
  /** 1..65535 from the first sending until it is acknowledged, else 0. */
  packetId: number;
  /** True between PUBREC and PUBCOMP. */
  released?: boolean;
  /** True while the present link has been given it. */
  inFlight?: boolean;
  /** Milliseconds since the epoch when it had to wait; 0 for one that did not. */
  queuedAt: number;
  /** Rises with each message of a session; names it in the journal. */
  sequence: number;
  /** Filter of the shared subscription that it came by (5.0, 4.8.2). */
  shared?: string;
  /** Called once, if anybody asked. */
  settle?: (outcome: DeliveryOutcome) => void;
}

/**
 * The same bytes in memory of their own, where they are a small view of a large buffer that would be held with them; so
 * they would be in Node’s pool, which goes on as long as anything in it does.
 */
export function ownBytes(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength <= 2 * bytes.length + 128) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}

/** Lets go of the received chunk that the message is a view of, and of what can be made anew, before it is held for long. */
export function detachFromChunk(message: Message): void {
  if (message.detached) return;
  message.detached = true;
  message.topicBytes = undefined;
  message.payload = ownBytes(message.payload);
  const { properties } = message;
  if (properties?.correlationData) properties.correlationData = ownBytes(properties.correlationData);
}

/** Bytes that a message counts for in a queue, and among what is retained: its topic, its payload and its properties. */
export function messageSize({ topic, payload, properties }: Message): number {
  return topic.length + payload.length + (properties ? propertiesSize(properties) : 0);
}

/**
 * Bytes of memory that a message for one client takes beside its topic and payload: the `Delivery` and its place in the
 * queue, the `Message`, the heads of its texts and buffers. Measured with Node 20: 480 while it waits. Once it was sent
 * there are its topic’s bytes, too, which may keep a piece of Node’s pool: twice this was seen, for no more messages than
 * `maxInFlight` of each client. Where many clients are given one message it is too much, which is the safe side.
 */
export const DELIVERY_COST = 600;

/** The same for the properties of a message, beside user properties; 200 to 300 were measured. */
const PROPERTIES_COST = 300;

/** And for the name and the value of one user property; 120 to 155. */
const USER_PROPERTY_COST = 150;

/** Bytes of memory that a message takes while it is held for one client. */
export function heldSize(message: Message): number {
  return messageSize(message) + DELIVERY_COST + (message.properties ? PROPERTIES_COST : 0);
}

function propertiesSize({
  contentType = '',
  responseTopic = '',
  correlationData,
  userProperties = [],
}: MessageProperties): number {
  const pairs = userProperties.reduce(
    (sum, [name, value]) => sum + name.length + value.length + USER_PROPERTY_COST,
    0,
  );
  return contentType.length + responseTopic.length + (correlationData?.length ?? 0) + pairs;
}

export function isExpired({ expiresAt }: Message, now: number): boolean {
  return expiresAt !== undefined && expiresAt <= now;
}
