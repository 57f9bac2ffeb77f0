import { malformed } from '../errors.ts';
import { FieldReader } from './field-reader.ts';
import { PacketWriter } from './packet-bytes.ts';
import type { UnsubscribePacket } from './packets.ts';

/** 3.1.1, 3.10. */
export function parseUnsubscribe(body: Buffer): UnsubscribePacket {
  const fields = new FieldReader(body, 'UNSUBSCRIBE');
  const packetId = fields.packetId();
  const filters: string[] = [];
  while (fields.left > 0) filters.push(fields.text('topic filter'));
  if (filters.length === 0) throw malformed('UNSUBSCRIBE without a filter', 'MQTT-3.10.3-2');
  return { type: 'unsubscribe', packetId, filters };
}

export function buildUnsubscribe({ packetId, filters }: Omit<UnsubscribePacket, 'type'>): Buffer {
  const body = filters.reduce((sum, filter) => sum + 2 + Buffer.byteLength(filter), 2);
  const writer = new PacketWriter('unsubscribe', 2, body).uint16(packetId);
  for (const filter of filters) writer.text(filter);
  return writer.bytes;
}
