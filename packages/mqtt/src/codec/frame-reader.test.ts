import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyPacket } from '../../test/arbitrary-packets.ts';
import { buildPacket, parsePacket } from './codec.ts';
import { FrameReader } from './frame-reader.ts';
import type { Packet } from './packets.ts';
import { buildPublish } from './publish.ts';

function publish(size: number): Buffer {
  return buildPublish(
    {
      topic: 't',
      payload: Buffer.alloc(size, 7),
      qos: 0,
      dup: false,
      retain: false,
      packetId: 0,
    },
    4,
  );
}

describe('FrameReader', () => {
  it('finds the same packets however the bytes are cut into chunks', () => {
    const cuts = fc.infiniteStream(fc.integer({ min: 1, max: 50 }));
    fc.assert(
      fc.property(fc.array(anyPacket[4], { maxLength: 5 }), cuts, (packets, sizes) => {
        const bytes = Buffer.concat(packets.map((packet) => buildPacket(packet)));
        const reader = new FrameReader(Number.POSITIVE_INFINITY, 'none');
        const found: Packet[] = [];
        for (let at = 0; at < bytes.length; ) {
          const size = sizes.next().value as number;
          reader.push(bytes.subarray(at, at + size));
          at += size;
          for (let frame = reader.next(); frame; frame = reader.next()) {
            found.push(parsePacket(frame.first, frame.body));
          }
        }
        expect(found).toEqual(packets);
        expect(reader.inFrame).toBe(false);
      }),
    );
  });

  it('keeps the frames that were not asked for when more bytes come', () => {
    const reader = new FrameReader(1000, 'maxPacketSize');
    reader.push(Buffer.concat([publish(1), publish(2)]));
    expect(reader.next()?.size).toBe(publish(1).length);
    reader.push(publish(3));
    expect(reader.next()?.size).toBe(publish(2).length);
    expect(reader.next()?.size).toBe(publish(3).length);
    expect(reader.next()).toBeUndefined();
  });

  it('a whole frame is a view of its chunk, not a copy', () => {
    const reader = new FrameReader(1000, 'maxPacketSize');
    const chunk = publish(100);
    reader.push(chunk);
    expect(reader.next()?.body.buffer).toBe(chunk.buffer);
  });

  it('refuses a packet by the length it announces, before its body comes', () => {
    const reader = new FrameReader(1000, 'maxPacketSize');
    reader.push(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]));
    expect(() => reader.next()).toThrow(/268435460 bytes; maxPacketSize is 1000/);
  });

  it('takes memory for what has come, not for what was announced', () => {
    const before = process.memoryUsage().arrayBuffers;
    const readers = Array.from({ length: 100 }, () => {
      const reader = new FrameReader(Number.POSITIVE_INFINITY, 'none');
      reader.push(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3]));
      reader.next();
      return reader;
    });
    expect(readers.every(({ inFrame }) => inFrame)).toBe(true);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
  });
});
