import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Qos } from '../codec/packets.ts';
import { buildPublish } from '../codec/publish.ts';
import { Outbox } from './outbox.ts';
import { sendPublish } from './send-publish.ts';

it('lays down the same bytes as are built, one packet after the other', () => {
  const publish = fc.record({
    topic: fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }),
    payload: fc.integer({ min: 0, max: 20_000 }).map((size) => Buffer.alloc(size, size)),
    qos: fc.constantFrom<Qos>(0, 1, 2),
    dup: fc.boolean(),
    retain: fc.boolean(),
    packetId: fc.integer({ min: 1, max: 65_535 }),
  });
  fc.assert(
    fc.property(
      fc.array(publish, { maxLength: 12 }),
      fc.constantFrom(4 as const, 5 as const),
      (list, level) => {
        const stream = new PassThrough({ highWaterMark: 1e9 });
        const outbox = new Outbox(stream, { onWritten: () => undefined });
        for (const { topic, payload, qos, dup, retain, packetId } of list) {
          const message = { topic, payload, qos, retain };
          const delivery = { message, qos, retain, packetId, queuedAt: 0, sequence: 0 };
          expect(sendPublish(outbox, delivery, dup, level, Number.POSITIVE_INFINITY)).toBe(true);
          expect(sendPublish(outbox, delivery, dup, level, payload.length)).toBe(false);
        }
        outbox.end();
        const expected = Buffer.concat(list.map((each) => buildPublish(each, level)));
        expect((stream.read() ?? Buffer.alloc(0)).equals(expected)).toBe(true);
      },
    ),
    { numRuns: 50 },
  );
});
