import { malformed } from '../errors.ts';
import { FieldReader } from './field-reader.ts';
import { PacketWriter } from './packet-bytes.ts';
import type { SubackPacket } from './packets.ts';

/** 3.1.1, 3.9. */
export function parseSuback(body: Buffer): SubackPacket {
  const fields = new FieldReader(body, 'SUBACK');
  const packetId = fields.packetId();
  const returnCodes = [...fields.rest()].map((code) => {
    if (code > 2 && code !== 0x80) throw malformed(`SUBACK with return code ${code}`, 'MQTT-3.9.3-2');
    return code as SubackPacket['returnCodes'][number];
  });
  if (returnCodes.length === 0) throw malformed('SUBACK without a return code', 'MQTT-3.8.4-5');
  return { type: 'suback', packetId, returnCodes };
}

export function buildSuback({ packetId, returnCodes }: Omit<SubackPacket, 'type'>): Buffer {
  const writer = new PacketWriter('suback', 0, 2 + returnCodes.length).uint16(packetId);
  for (const code of returnCodes) writer.byte(code);
  return writer.bytes;
}
