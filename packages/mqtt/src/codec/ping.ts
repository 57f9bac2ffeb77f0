import { FieldReader } from './field-reader.ts';
import { PacketWriter } from './packet-bytes.ts';
import type { PingPacket } from './packets.ts';

/** PINGREQ and PINGRESP have no body (3.1.1 and 5.0, 3.12 and 3.13). */
export function parsePing(type: PingPacket['type'], body: Buffer): PingPacket {
  new FieldReader(body, type.toUpperCase()).end();
  return { type };
}

export function buildPing(type: PingPacket['type']): Buffer {
  return new PacketWriter(type, 0, 0).bytes;
}
