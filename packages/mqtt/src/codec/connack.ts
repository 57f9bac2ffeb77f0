import { malformed } from '../errors.ts';
import { FieldReader } from './field-reader.ts';
import { PacketWriter } from './packet-bytes.ts';
import type { ConnackPacket } from './packets.ts';

/** 3.1.1, 3.2. */
export function parseConnack(body: Buffer): ConnackPacket {
  const fields = new FieldReader(body, 'CONNACK');
  const flags = fields.byte('flags');
  const returnCode = fields.byte('return code');
  fields.end();
  if (flags > 1) throw malformed('CONNACK with reserved flags');
  if (returnCode > 5) throw malformed(`CONNACK with return code ${returnCode}`);
  if (flags === 1 && returnCode !== 0) {
    throw malformed('CONNACK that refuses and has a session', 'MQTT-3.2.2-4');
  }
  return {
    type: 'connack',
    sessionPresent: flags === 1,
    returnCode: returnCode as ConnackPacket['returnCode'],
  };
}

export function buildConnack({ sessionPresent, returnCode }: Omit<ConnackPacket, 'type'>): Buffer {
  return new PacketWriter('connack', 0, 2).byte(sessionPresent ? 1 : 0).byte(returnCode).bytes;
}

/**
 * The refusal of a protocol level that is not served, in a form that its client understands: a client of MQTT 5 gets
 * reason code 0x84 with no properties (5.0, 3.2.2), any other return code 1 [MQTT-3.1.2-2].
 */
export function buildLevelRefusal(level: number): Buffer {
  if (level === 5) return new PacketWriter('connack', 0, 3).byte(0).byte(0x84).byte(0).bytes;
  return buildConnack({ sessionPresent: false, returnCode: 1 });
}
