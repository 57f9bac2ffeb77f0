import { malformed } from '../errors.ts';
import { FieldReader } from './field-reader.ts';
import { PacketWriter } from './packet-bytes.ts';
import type { ProtocolLevel, SubackPacket, UnsubackPacket } from './packets.ts';
import { encodeProperties, readProperties } from './properties.ts';
import { checkedReason } from './reason-codes.ts';

/** 3.1.1 and 5.0, 3.9. */
export function parseSuback(body: Buffer, level: ProtocolLevel): SubackPacket {
  const fields = new FieldReader(body, 'SUBACK');
  const packetId = fields.packetId();
  const properties = level === 5 ? readProperties(fields, 'suback') : undefined;
  const returnCodes = [...fields.rest()];
  for (const code of returnCodes) {
    if (level === 5) checkedReason('suback', code);
    else if (code > 2 && code !== 0x80) throw malformed(`SUBACK with return code ${code}`, 'MQTT-3.9.3-2');
  }
  if (returnCodes.length === 0) throw malformed('SUBACK without a return code', 'MQTT-3.8.4-5');
  return { type: 'suback', packetId, returnCodes, properties };
}

export function buildSuback(packet: Omit<SubackPacket, 'type'>, level: ProtocolLevel): Buffer {
  const { packetId, returnCodes, properties } = packet;
  const encoded = level === 5 ? encodeProperties(properties) : Buffer.alloc(0);
  const writer = new PacketWriter('suback', 0, 2 + encoded.length + returnCodes.length).uint16(packetId);
  return writer.raw(encoded).raw(Buffer.from(returnCodes)).bytes;
}

/** 3.1.1, 3.11: a packet identifier. 5.0, 3.11: properties, and a reason code for each filter. */
export function parseUnsuback(body: Buffer, level: ProtocolLevel): UnsubackPacket {
  const fields = new FieldReader(body, 'UNSUBACK');
  const packet: UnsubackPacket = { type: 'unsuback', packetId: fields.packetId() };
  if (level === 5) {
    packet.properties = readProperties(fields, 'unsuback');
    packet.reasonCodes = [...fields.rest()].map((code) => checkedReason('unsuback', code));
    if (packet.reasonCodes.length === 0) throw malformed('UNSUBACK without a reason code', 'MQTT5-3.11.3-1');
  }
  fields.end();
  return packet;
}

export function buildUnsuback(packet: Omit<UnsubackPacket, 'type'>, level: ProtocolLevel): Buffer {
  const { packetId, reasonCodes = [], properties } = packet;
  if (level === 4) return new PacketWriter('unsuback', 0, 2).uint16(packetId).bytes;
  const encoded = encodeProperties(properties);
  const writer = new PacketWriter('unsuback', 0, 2 + encoded.length + reasonCodes.length).uint16(packetId);
  return writer.raw(encoded).raw(Buffer.from(reasonCodes)).bytes;
}
