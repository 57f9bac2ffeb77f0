import { malformed } from '../errors.ts';
import { FieldReader } from './field-reader.ts';
import { PacketWriter } from './packet-bytes.ts';
import type { ProtocolLevel, PublishPacket, Qos } from './packets.ts';
import { encodeProperties, readProperties } from './properties.ts';

/** 3.1.1 and 5.0, 3.3. `flags` are the low four bits of the first byte. Whether the topic name is valid is for the receiver to check. */
export function parsePublish(flags: number, body: Buffer, level: ProtocolLevel): PublishPacket {
  const qos = (flags >> 1) & 3;
  const dup = (flags & 8) !== 0;
  if (qos === 3) throw malformed('PUBLISH with QoS 3', 'MQTT-3.3.1-4');
  if (dup && qos === 0) throw malformed('PUBLISH with DUP and QoS 0', 'MQTT-3.3.1-2');
  const fields = new FieldReader(body, 'PUBLISH');
  const topic = fields.text('topic name');
  const packetId = qos === 0 ? 0 : fields.packetId();
  const properties = level === 5 ? readProperties(fields, 'publish') : undefined;
  return {
    type: 'publish',
    topic,
    payload: fields.rest(),
    qos: qos as Qos,
    dup,
    retain: (flags & 1) !== 0,
    packetId,
    properties,
  };
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
