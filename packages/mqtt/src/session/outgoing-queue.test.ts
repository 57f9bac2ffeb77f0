import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Delivery, DeliveryOutcome } from './message.ts';
import { type Link, OutgoingQueue } from './outgoing-queue.ts';

const WIDE = { maxQueuedMessages: 1000, maxQueuedBytes: 1_000_000 };

function delivery(text: string, qos: 0 | 1 = 1, settle?: Delivery['settle']): Delivery {
  return {
    message: { topic: 't', payload: Buffer.from(text), qos, retain: false },
    qos,
    retain: false,
    packetId: 0,
    queuedAt: 0,
    sequence: 0,
    settle,
  };
}

/** A link that notes what it is given as `text`, or `text!` with DUP. */
class NotingLink implements Link {
  readonly sent: string[] = [];
  readonly ids: number[] = [];
  readonly window: number;
  open = true;
  constructor(window: number) {
    this.window = window;
  }
  ready(): boolean {
    return this.open;
  }
  send({ message, packetId }: Delivery, dup: boolean): boolean {
    this.sent.push(message.payload.toString() + (dup ? '!' : ''));
    this.ids.push(packetId);
    return true;
  }
  release(packetId: number): void {
    this.sent.push('release');
    this.ids.push(packetId);
  }
}

describe('OutgoingQueue', () => {
  it('sends at most a window of unacknowledged messages, the others in order as PUBACKs come', () => {
    const queue = new OutgoingQueue(WIDE);
    const link = new NotingLink(2);
    queue.attach(link);
    for (const text of ['a', 'b', 'c', 'd']) queue.offer(delivery(text));
    expect(link.sent).toEqual(['a', 'b']);
    queue.acknowledge(link.ids[1] ?? 0);
    expect(link.sent).toEqual(['a', 'b', 'c']);
    queue.acknowledge(link.ids[0] ?? 0);
    expect(link.sent).toEqual(['a', 'b', 'c', 'd']);
  });

  it('sends again, with DUP, the same identifiers and in the first order, what was not acknowledged [MQTT-4.4.0-1]', () => {
    const queue = new OutgoingQueue(WIDE);
    const first = new NotingLink(3);
    queue.attach(first);
    for (const text of ['a', 'b', 'c', 'd']) queue.offer(delivery(text));
    queue.acknowledge(first.ids[1] ?? 0);
    queue.detach();
    queue.offer(delivery('e'));
    const second = new NotingLink(10);
    queue.attach(second);
    expect(second.sent).toEqual(['a!', 'c!', 'd!', 'e']);
    expect(second.ids.slice(0, 2)).toEqual([first.ids[0], first.ids[2]]);
  });

  it('a link with a smaller window gets the old messages one at a time', () => {
    const queue = new OutgoingQueue(WIDE);
    const wide = new NotingLink(3);
    queue.attach(wide);
    for (const text of ['a', 'b', 'c', 'd']) queue.offer(delivery(text));
    const narrow = new NotingLink(1);
    queue.attach(narrow);
    expect(narrow.sent).toEqual(['a!']);
    // A PUBACK that was on its way for a message that has not been sent again yet counts, too.
    queue.acknowledge(wide.ids[1] ?? 0);
    expect(narrow.sent).toEqual(['a!']);
    queue.acknowledge(narrow.ids[0] ?? 0);
    expect(narrow.sent).toEqual(['a!', 'c!']);
    queue.acknowledge(narrow.ids[1] ?? 0);
    expect(narrow.sent).toEqual(['a!', 'c!', 'd']);
  });

  it('holds messages back while the link is not ready', () => {
    const queue = new OutgoingQueue(WIDE);
    const link = new NotingLink(10);
    link.open = false;
    queue.attach(link);
    queue.offer(delivery('a', 0));
    expect(link.sent).toEqual([]);
    link.open = true;
    queue.pump();
    expect(link.sent).toEqual(['a']);
  });

  it('refuses what exceeds its bounds by the name of the limit, and keeps the older messages', () => {
    const queue = new OutgoingQueue({ maxQueuedMessages: 2, maxQueuedBytes: 10 });
    expect(queue.offer(delivery('aaaa'))).toBeUndefined();
    expect(queue.offer(delivery('bbbbbbb'))).toBe('maxQueuedBytes');
    expect(queue.offer(delivery('cccc'))).toBeUndefined();
    expect(queue.offer(delivery(''))).toBe('maxQueuedMessages');
    const link = new NotingLink(10);
    queue.attach(link);
    expect(link.sent).toEqual(['aaaa', 'cccc']);
  });

  it('tells each sender what became of its message', () => {
    const outcomes: Record<string, DeliveryOutcome> = {};
    const note = (text: string) => (outcome: DeliveryOutcome) => {
      outcomes[text] = outcome;
    };
    const queue = new OutgoingQueue(WIDE);
    const link = new NotingLink(1);
    queue.attach(link);
    for (const text of ['a', 'b']) queue.offer(delivery(text, 1, note(text)));
    queue.acknowledge(link.ids[0] ?? 0);
    queue.offer(delivery('c', 1, note('c')));
    queue.retainOnly(() => false, 'dropped');
    expect(outcomes).toEqual({ a: 'acknowledged', b: 'dropped', c: 'dropped' });
    expect(queue.length).toBe(0);
  });

  it('never gives two unacknowledged messages one identifier, and delivers every message in order', () => {
    const step = fc.oneof(
      fc.constant('offer' as const),
      fc.constant('reconnect' as const),
      fc.nat({ max: 5 }).map((index) => ({ ack: index })),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (steps, window) => {
        const queue = new OutgoingQueue(WIDE);
        let link = new NotingLink(window);
        const seen: string[] = [];
        const outstanding = new Map<number, string>();
        let offered = 0;
        const note = () => {
          for (const [index, sent] of link.sent.entries()) {
            const text = sent.replace('!', '');
            const id = link.ids[index] ?? 0;
            expect(outstanding.get(id) ?? text).toBe(text);
            outstanding.set(id, text);
            if (!seen.includes(text)) seen.push(text);
          }
          link.sent.length = 0;
          link.ids.length = 0;
        };
        queue.attach(link);
        for (const each of steps) {
          if (each === 'offer') queue.offer(delivery(String(offered++)));
          else if (each === 'reconnect') {
            link = new NotingLink(window);
            queue.attach(link);
          } else {
            const id = [...outstanding.keys()][each.ack];
            if (id !== undefined) {
              outstanding.delete(id);
              queue.acknowledge(id);
            }
          }
          note();
        }
        for (let id = [...outstanding.keys()][0]; id !== undefined; id = [...outstanding.keys()][0]) {
          outstanding.delete(id);
          queue.acknowledge(id);
          note();
        }
        expect(seen).toEqual(Array.from({ length: offered }, (_, index) => String(index)));
        expect(queue.length).toBe(0);
      }),
    );
  });

  it('a small message that waits does not hold the large chunk that it came in', () => {
    const queue = new OutgoingQueue(WIDE);
    const waiting = delivery('');
    waiting.message.payload = Buffer.alloc(100_000).subarray(10, 20);
    queue.offer(waiting);
    expect(waiting.message.payload.buffer.byteLength).toBeLessThan(10_000);
  });
});
