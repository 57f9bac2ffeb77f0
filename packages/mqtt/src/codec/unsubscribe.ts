import { malformed } from '../errors.ts';
import { FieldReader } from './field-reader.ts';
import { PacketWriter } from './packet-bytes.ts';
import type { ProtocolLevel, UnsubscribePacket } from './packets.ts';
import { encodeProperties, readProperties } from './properties.ts';

/** 3.1.1 and 5.0, 3.10. */
export function parseUnsubscribe(body: Buffer, level: ProtocolLevel): UnsubscribePacket {
  const fields = new FieldReader(body, 'UNSUBSCRIBE');
  const packetId = fields.packetId();
  const properties = level === 5 ? readProperties(fields, 'unsubscribe') : undefined;
  const filters: string[] = [];
  while (fields.left > 0) filters.push(fields.text('topic filter'));
  if (filters.length === 0) throw malformed('UNSUBSCRIBE without a filter', 'MQTT-3.10.3-2');
  return { type: 'unsubscribe', packetId, filters, properties };
}

export function buildUnsubscribe(packet: Omit<UnsubscribePacket, 'type'>, level: ProtocolLevel): Buffer {
  const { packetId, filters, properties } = packet;
  const encoded = level === 5 ? encodeProperties(properties) : Buffer.alloc(0);
  const body = filters.reduce((sum, filter) => sum + 2 + Buffer.byteLength(filter), 2 + encoded.length);
  const writer = new PacketWriter('unsubscribe', 2, body).uint16(packetId).raw(encoded);
  for (const filter of filters) writer.text(filter);
  return writer.bytes;
}
