import { isUtf8 } from 'node:buffer';
import { malformed } from '../errors.ts';
import { FieldReader } from './field-reader.ts';
import { PacketWriter } from './packet-bytes.ts';
import type { ProtocolLevel, PublishPacket, Qos } from './packets.ts';
import { encodeProperties, type Properties, readProperties } from './properties.ts';

/** The topic name that a connection published to last: the next PUBLISH mostly has the same. */
export interface TopicMemory {
  text: string;
  /** Its UTF-8 bytes, in memory of their own. */
  bytes: Buffer;
}

const NO_TOPIC = Buffer.alloc(0);

export function newTopicMemory(): TopicMemory {
  return { text: '', bytes: NO_TOPIC };
}

/** 3.1.1 and 5.0, 3.3. `flags` are the low four bits of the first byte. Whether the topic name is valid is for the receiver to check. */
export function parsePublish(flags: number, body: Buffer, level: ProtocolLevel): PublishPacket {
  return parsePublishAt(flags, { bytes: body, start: 0, end: body.length }, level, newTopicMemory());
}

/** The body of a packet within a chunk. */
export interface BodyRange {
  bytes: Buffer;
  start: number;
  end: number;
}

/** As `parsePublish`, without a view of the body, and with the topic from `memory` where it is the same. */
export function parsePublishAt(
  flags: number,
  { bytes, start, end }: BodyRange,
  level: ProtocolLevel,
  memory: TopicMemory,
): PublishPacket {
  const qos = (flags >> 1) & 3;
  const dup = (flags & 8) !== 0;
  if (qos === 3) throw malformed('PUBLISH with QoS 3', 'MQTT-3.3.1-4');
  if (dup && qos === 0) throw malformed('PUBLISH with DUP and QoS 0', 'MQTT-3.3.1-2');
  const topicStart = start + 2;
  if (topicStart > end) throw malformed('PUBLISH ends within its topic name');
  const topicEnd = topicStart + uint16At(bytes, start);
  let at = topicEnd + (qos === 0 ? 0 : 2);
  if (at > end) throw malformed('PUBLISH ends within its topic name or packet identifier');
  remember(memory, bytes, topicStart, topicEnd);
  const packetId = qos === 0 ? 0 : uint16At(bytes, topicEnd);
  if (qos !== 0 && packetId === 0) throw malformed('PUBLISH with packet identifier 0', 'MQTT-2.3.1-1');
  let properties: Properties | undefined;
  if (level === 5) {
    if (at < end && bytes[at] === 0) at += 1;
    else {
      const fields = new FieldReader(bytes.subarray(at, end), 'PUBLISH');
      properties = readProperties(fields, 'publish');
      at = end - fields.left;
    }
  }
  return {
    type: 'publish',
    topic: memory.text,
    payload: bytes.subarray(at, end),
    qos: qos as Qos,
    dup,
    retain: (flags & 1) !== 0,
    packetId,
    properties,
  };
}

function uint16At(bytes: Buffer, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** Makes `memory` the topic that lies there; a topic that it holds already costs no string. */
function remember(memory: TopicMemory, bytes: Buffer, start: number, end: number): void {
  const known = memory.bytes;
  if (known.length === end - start) {
    let index = 0;
    while (index < known.length && known[index] === bytes[start + index]) index += 1;
    if (index === known.length) return;
  }
  const topic = Buffer.from(bytes.subarray(start, end));
  if (!isUtf8(topic)) throw malformed('PUBLISH: topic name is not UTF-8', 'MQTT-1.5.3-1');
  if (topic.includes(0)) throw malformed('PUBLISH: topic name holds U+0000', 'MQTT-1.5.3-2');
  memory.text = topic.toString('utf8');
  memory.bytes = topic;
}

export function buildPublish(packet: Omit<PublishPacket, 'type'>, level: ProtocolLevel): Buffer {
  const { topic, payload, qos, dup, retain, packetId, properties } = packet;
  const encoded = level === 5 ? encodeProperties(properties) : undefined;
  const topicLength = Buffer.byteLength(topic);
  const body = 2 + topicLength + (qos === 0 ? 0 : 2) + (encoded?.length ?? 0) + payload.length;
  const flags = (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
  const writer = new PacketWriter('publish', flags, body).text(topic, topicLength);
  if (qos !== 0) writer.uint16(packetId);
  if (encoded) writer.raw(encoded);
  return writer.raw(payload).bytes;
}
