import { FieldReader } from './field-reader.ts';
import { PacketWriter } from './packet-bytes.ts';
import type { BarePacket } from './packets.ts';

/** PINGREQ, PINGRESP and DISCONNECT have no body (3.1.1, 3.12–3.14). */
export function parseBare(type: BarePacket['type'], body: Buffer): BarePacket {
  new FieldReader(body, type.toUpperCase()).end();
  return { type };
}

export function buildBare(type: BarePacket['type']): Buffer {
  return new PacketWriter(type, 0, 0).bytes;
}
