import { FieldReader } from './field-reader.ts';
import { PacketWriter } from './packet-bytes.ts';
import type { AckPacket, ProtocolLevel } from './packets.ts';
import { encodeProperties, type Properties, readProperties } from './properties.ts';
import { checkedReason } from './reason-codes.ts';

/**
 * PUBACK, PUBREC, PUBREL and PUBCOMP are a packet identifier and nothing more (3.1.1, 3.4–3.7); in MQTT 5 a reason code,
 * when it is not success, and properties may follow (5.0, 3.4.2.1).
 */
export function parseAck(type: AckPacket['type'], body: Buffer, level: ProtocolLevel): AckPacket {
  const fields = new FieldReader(body, type.toUpperCase());
  const packetId = fields.packetId();
  const packet: AckPacket = { type, packetId };
  if (level === 5) {
    packet.reasonCode = fields.left > 0 ? checkedReason(type, fields.byte('reason code')) : 0;
    if (fields.left > 0) packet.properties = readProperties(fields, type);
  }
  fields.end();
  return packet;
}

export function buildAck(
  type: AckPacket['type'],
  packetId: number,
  reasonCode = 0,
  properties?: Properties,
): Buffer {
  const flags = type === 'pubrel' ? 2 : 0;
  if (properties) {
    const encoded = encodeProperties(properties);
    const writer = new PacketWriter(type, flags, 3 + encoded.length).uint16(packetId);
    return writer.byte(reasonCode).raw(encoded).bytes;
  }
  if (reasonCode !== 0) return new PacketWriter(type, flags, 3).uint16(packetId).byte(reasonCode).bytes;
  return new PacketWriter(type, flags, 2).uint16(packetId).bytes;
}
