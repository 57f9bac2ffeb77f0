import assert from 'node:assert/strict';
import { isCodedError } from '@ioto/runtime';
import { buildPacket, parsePacket } from '../src/codec/codec.ts';
import { FrameReader } from '../src/codec/frame-reader.ts';
import type { Packet, ProtocolLevel } from '../src/codec/packets.ts';
import { mutated } from './mutate.ts';
import type { PacketSource } from './packet-source.ts';
import { Random } from './random.ts';

/** Bytes of the largest frame that is let through; many inputs announce more. */
const LIMIT = 4096;

interface Outcome {
  packets: { packet: Packet; level: ProtocolLevel }[];
  /** Code of the error that ended it. */
  code?: string;
}

/** Some packets in a row, most of them with something wrong. */
export function codecInput(source: PacketSource, random: Random, level: ProtocolLevel): Buffer {
  const packets = Array.from({ length: 1 + random.below(3) }, () => {
    const bytes = random.once(2) ? source.any(level, random) : source.sensible(level, random);
    return random.once(5) ? bytes : mutated(bytes, random);
  });
  return random.once(20) ? random.bytes(random.below(200)) : Buffer.concat(packets);
}

/**
 * Whatever the bytes: they parse, or fail with an error of the catalogue; how they are cut changes nothing; what parses
 * builds to what says the same; and no more is allocated than the limit or what came. Throws when one of it does not hold.
 */
export function checkCodec(bytes: Buffer, level: ProtocolLevel): void {
  const whole = parsed([bytes], level);
  for (const chunks of [bytewise(bytes), cut(bytes, new Random(bytes.length))]) {
    assert.deepEqual(parsed(chunks, level), whole, 'cut into chunks it says something else');
  }
  for (const { packet, level: own } of whole.packets) {
    const again = parsed([buildPacket(packet, own)], own, Number.POSITIVE_INFINITY);
    assert.equal(again.code, undefined, `what was built from a ${packet.type} does not parse`);
    assert.deepEqual(
      again.packets.map((each) => said(each.packet)),
      [said(packet)],
      'parse and build are no inverses',
    );
  }
}

/** The packet without what it does not say. */
function said(packet: Packet): object {
  return Object.fromEntries(Object.entries(packet).filter(([, value]) => value !== undefined));
}

function parsed(chunks: Buffer[], level: ProtocolLevel, limit = LIMIT): Outcome {
  const reader = new FrameReader(limit, 'LIMIT');
  const packets: Outcome['packets'] = [];
  try {
    for (const chunk of chunks) {
      reader.push(chunk);
      for (let frame = reader.next(); frame; frame = reader.next()) {
        if (chunks.length > 1 && frame.body.buffer !== chunk.buffer) {
          assert.ok(
            frame.body.buffer.byteLength <= Math.max(LIMIT, 512),
            'more was allocated than the limit',
          );
        }
        const packet = parsePacket(frame.first, frame.body, level);
        packets.push({ packet, level: packet.type === 'connect' ? packet.protocolLevel : level });
      }
    }
  } catch (error) {
    if (!isCodedError(error) || !error.code.startsWith('MQTT_')) throw error;
    return { packets, code: error.code };
  }
  return { packets };
}

function bytewise(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
}

function cut(bytes: Buffer, random: Random): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + random.below(40);
    chunks.push(bytes.subarray(at, end));
    at = end;
  }
  return chunks;
}
