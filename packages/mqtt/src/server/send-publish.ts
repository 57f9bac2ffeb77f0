import { variableBytes } from '../codec/packet-bytes.ts';
import type { ProtocolLevel } from '../codec/packets.ts';
import type { Delivery } from '../session/message.ts';
import type { Outbox } from './outbox.ts';

/** Bytes of the body of a PUBLISH without properties. */
function bodySize({ message, qos }: Delivery, topic: Buffer, level: ProtocolLevel): number {
  return 2 + topic.length + (qos === 0 ? 0 : 2) + (level === 5 ? 1 : 0) + message.payload.length;
}

/**
 * Lays a PUBLISH without properties straight into what is written: the same bytes as `buildPublish` makes. False when it
 * is larger than `maximum` bytes.
 */
export function sendPublish(
  outbox: Outbox,
  delivery: Delivery,
  dup: boolean,
  level: ProtocolLevel,
  maximum: number,
): boolean {
  const { message, qos, retain, packetId } = delivery;
  message.topicBytes ??= Buffer.from(message.topic);
  const { topicBytes: topic, payload } = message;
  const body = bodySize(delivery, topic, level);
  const size = 1 + variableBytes(body) + body;
  if (size > maximum) return false;
  let at = outbox.reserve(size);
  const { bytes } = outbox;
  bytes[at++] = 0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
  for (let left = body; ; left >>>= 7) {
    bytes[at++] = left > 127 ? (left & 127) | 128 : left;
    if (left <= 127) break;
  }
  bytes[at++] = topic.length >> 8;
  bytes[at++] = topic.length & 255;
  for (let index = 0; index < topic.length; index += 1) bytes[at++] = topic[index] as number;
  if (qos !== 0) {
    bytes[at++] = packetId >> 8;
    bytes[at++] = packetId & 255;
  }
  if (level === 5) bytes[at++] = 0;
  bytes.set(payload, at);
  return true;
}
