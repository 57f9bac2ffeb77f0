import { FieldReader } from './field-reader.ts';
import { PacketWriter } from './packet-bytes.ts';
import type { AckPacket } from './packets.ts';

/** PUBACK, PUBREC, PUBREL, PUBCOMP and UNSUBACK are a packet identifier and nothing more (3.1.1, 3.4–3.7, 3.11). */
export function parseAck(type: AckPacket['type'], body: Buffer): AckPacket {
  const fields = new FieldReader(body, type.toUpperCase());
  const packetId = fields.packetId();
  fields.end();
  return { type, packetId };
}

export function buildAck(type: AckPacket['type'], packetId: number): Buffer {
  return new PacketWriter(type, type === 'pubrel' ? 2 : 0, 2).uint16(packetId).bytes;
}
