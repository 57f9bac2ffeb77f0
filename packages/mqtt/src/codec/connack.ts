import { malformed } from '../errors.ts';
import { FieldReader } from './field-reader.ts';
import { PacketWriter } from './packet-bytes.ts';
import type { ConnackPacket, ProtocolLevel } from './packets.ts';
import { encodeProperties, readProperties } from './properties.ts';
import { checkedReason, REASON } from './reason-codes.ts';

/** 3.1.1 and 5.0, 3.2. */
export function parseConnack(body: Buffer, level: ProtocolLevel): ConnackPacket {
  const fields = new FieldReader(body, 'CONNACK');
  const flags = fields.byte('flags');
  const returnCode = fields.byte('return code');
  const properties = level === 5 ? readProperties(fields, 'connack') : undefined;
  fields.end();
  if (flags > 1) throw malformed('CONNACK with reserved flags');
  if (level === 5) checkedReason('connack', returnCode);
  else if (returnCode > 5) throw malformed(`CONNACK with return code ${returnCode}`);
  if (flags === 1 && returnCode !== 0) {
    throw malformed('CONNACK that refuses and has a session', 'MQTT-3.2.2-4');
  }
  return { type: 'connack', sessionPresent: flags === 1, returnCode, properties };
}

export function buildConnack(packet: Omit<ConnackPacket, 'type'>, level: ProtocolLevel): Buffer {
  const { sessionPresent, returnCode, properties } = packet;
  const encoded = level === 5 ? encodeProperties(properties) : Buffer.alloc(0);
  const writer = new PacketWriter('connack', 0, 2 + encoded.length);
  return writer
    .byte(sessionPresent ? 1 : 0)
    .byte(returnCode)
    .raw(encoded).bytes;
}

/**
 * The refusal of a protocol level that is not served, in a form that its client understands: return code 1 up to MQTT
 * 3.1.1 [MQTT-3.1.2-2], reason code 0x84 for what may come after MQTT 5 [MQTT5-3.1.2-2].
 */
export function buildLevelRefusal(level: number): Buffer {
  if (level <= 4) return buildConnack({ sessionPresent: false, returnCode: 1 }, 4);
  return buildConnack({ sessionPresent: false, returnCode: REASON.unsupportedProtocolVersion }, 5);
}
