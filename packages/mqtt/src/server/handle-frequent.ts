import type { FrameReader } from '../codec/frame-reader.ts';
import { parsePublishAt } from '../codec/publish.ts';
import type { Client } from './client.ts';
import { puback } from './handle-acks.ts';
import { handlePublish } from './handle-publish.ts';

const PUBLISH = 3;
const PUBACK = 0x40;

/**
 * The two packets that nearly all traffic is made of, without a view or an object that they can do without. False for any
 * other packet, and for one that is unusual.
 */
export function handleFrequent<P>(client: Client<P>, frames: FrameReader): boolean {
  const { first, bytes, start, end } = frames;
  if (first >> 4 === PUBLISH) {
    const packet = parsePublishAt(first & 15, frames, client.connection.level, client.topicMemory);
    handlePublish(client, packet);
    return true;
  }
  if (first !== PUBACK || end - start !== 2) return false;
  const packetId = ((bytes[start] as number) << 8) | (bytes[start + 1] as number);
  if (packetId === 0) return false;
  puback(client, packetId, false);
  return true;
}
