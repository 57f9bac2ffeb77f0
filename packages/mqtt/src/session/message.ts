/**
 * What became of a message for one client: `acknowledged` by its PUBACK; `sent`, which is all there is to know with
 * QoS 0; `offline`: it has no session that would keep the message; `unsubscribed`: it never subscribed to the topic;
 * `timeout`: no PUBACK in time, the message stays queued; `dropped`: its queue is full, or its session ended.
 */
export type DeliveryOutcome = 'acknowledged' | 'sent' | 'offline' | 'unsubscribed' | 'timeout' | 'dropped';

/** A message on its way to subscribers; one object for all of them. */
export interface Message {
  topic: string;
  payload: Buffer;
  qos: 0 | 1;
  /** True only where it answers a new subscription from the retained messages [MQTT-3.3.1-8] [MQTT-3.3.1-9]. */
  retain: boolean;
}

/** One message for one client. */
export interface Delivery {
  message: Message;
  /** The lower of the message's and the subscription's QoS [MQTT-3.8.4-6]. */
  qos: 0 | 1;
  /** 1..65535 from the first sending until PUBACK, else 0. */
  packetId: number;
  /** Called once, if anybody asked. */
  settle?: (outcome: DeliveryOutcome) => void;
}

/** The same bytes in a buffer of their own, where they are a small view of a large one that would be held with them. */
export function ownBytes(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength <= 2 * bytes.length + 1024) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}

/** Bytes that a message counts for in a queue. */
export function messageSize({ topic, payload }: Message): number {
  return topic.length + payload.length;
}
