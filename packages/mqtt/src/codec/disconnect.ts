import { FieldReader } from './field-reader.ts';
import { PacketWriter } from './packet-bytes.ts';
import type { AuthPacket, DisconnectPacket, ProtocolLevel } from './packets.ts';
import { encodeProperties, readProperties } from './properties.ts';
import { checkedReason } from './reason-codes.ts';

/** 3.1.1, 3.14: no body. 5.0, 3.14.2: a reason code and properties, both left out when they say nothing. */
export function parseDisconnect(body: Buffer, level: ProtocolLevel): DisconnectPacket {
  const fields = new FieldReader(body, 'DISCONNECT');
  const packet: DisconnectPacket = { type: 'disconnect' };
  if (level === 5) {
    packet.reasonCode = fields.left > 0 ? checkedReason('disconnect', fields.byte('reason code')) : 0;
    if (fields.left > 0) packet.properties = readProperties(fields, 'disconnect');
  }
  fields.end();
  return packet;
}

/** In the form of 3.1.1 when neither reason nor properties are given. */
export function buildDisconnect({ reasonCode = 0, properties }: Omit<DisconnectPacket, 'type'>): Buffer {
  return buildReasonOnly('disconnect', reasonCode, properties);
}

/** 5.0, 3.15. */
export function parseAuth(body: Buffer): AuthPacket {
  const fields = new FieldReader(body, 'AUTH');
  const packet: AuthPacket = { type: 'auth', reasonCode: 0 };
  if (fields.left > 0) packet.reasonCode = checkedReason('auth', fields.byte('reason code'));
  if (fields.left > 0) packet.properties = readProperties(fields, 'auth');
  fields.end();
  return packet;
}

export function buildAuth({ reasonCode, properties }: Omit<AuthPacket, 'type'>): Buffer {
  return buildReasonOnly('auth', reasonCode, properties);
}

function buildReasonOnly(
  type: 'disconnect' | 'auth',
  reasonCode: number,
  properties: DisconnectPacket['properties'],
): Buffer {
  if (properties) {
    const encoded = encodeProperties(properties);
    return new PacketWriter(type, 0, 1 + encoded.length).byte(reasonCode).raw(encoded).bytes;
  }
  if (reasonCode !== 0) return new PacketWriter(type, 0, 1).byte(reasonCode).bytes;
  return new PacketWriter(type, 0, 0).bytes;
}
