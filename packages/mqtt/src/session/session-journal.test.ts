import { VirtualClock } from '@ioto/testkit/virtual-clock';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Qos } from '../codec/packets.ts';
import { MemorySessionStore } from './memory-session-store.ts';
import type { Delivery } from './message.ts';
import { OutgoingQueue } from './outgoing-queue.ts';
import { SessionJournal } from './session-journal.ts';

const BOUNDS = { maxQueuedMessages: 20, maxQueuedBytes: 1_000_000 };

function delivery(text: string, qos: Qos): Delivery {
  const message = { topic: 't', payload: Buffer.from(text), qos, retain: false };
  return { message, qos, retain: false, packetId: 0, queuedAt: 0, sequence: 0 };
}

function newJournal(store: MemorySessionStore): SessionJournal {
  return new SessionJournal({
    store,
    clock: new VirtualClock(),
    onFailure: (error) => {
      throw error;
    },
  });
}

const facts = ({ message, qos, packetId, released, sequence }: Delivery) => ({
  text: message.payload.toString(),
  qos,
  packetId,
  released: released ?? false,
  sequence,
});

it('what is stored is what the queue holds, and a queue that is restored from it goes on as the first', async () => {
  const step = fc.oneof(
    fc.constantFrom<Qos>(1, 2).map((qos) => ({ offer: qos })),
    fc.constant({ reconnect: true }),
    fc.constant({ leave: true }),
    fc.record({ ack: fc.nat({ max: 4 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const store = new MemorySessionStore();
      const journal = newJournal(store);
      journal.record({ type: 'session', clientId: 'd1', expiry: 1000 });
      const queue = new OutgoingQueue(BOUNDS, { observer: journal.observerOf('d1') });
      const link = { window: 3, ready: () => true, send: () => true, release: () => undefined };
      for (const [index, each] of steps.entries()) {
        if ('offer' in each) queue.offer(delivery(String(index), each.offer));
        else if ('reconnect' in each) queue.attach(link);
        else if ('leave' in each) queue.detach();
        else {
          const sent = [...queue.all()].filter(({ packetId }) => packetId > 0)[each.ack];
          if (sent?.qos === 1) queue.acknowledge(sent.packetId);
          else if (sent?.released) queue.complete(sent.packetId);
          else if (sent) queue.receivedByClient(sent.packetId);
        }
      }
      await journal.flush();
      const { sessions } = await store.load();
      const stored = sessions[0]?.deliveries ?? [];
      const held = [...queue.all()].map(facts).sort((a, b) => a.sequence - b.sequence);
      expect(stored.map(facts)).toEqual(held);
      const restored = new OutgoingQueue(BOUNDS);
      restored.restore(stored);
      expect([...restored.all()].map(facts).sort((a, b) => a.sequence - b.sequence)).toEqual(held);
    }),
    { numRuns: 100 },
  );
});

it('calls what waits in order, and at once where nothing was recorded', async () => {
  const journal = newJournal(new MemorySessionStore());
  const called: number[] = [];
  journal.afterCommit(() => called.push(1));
  expect(called).toEqual([1]);
  journal.record({ type: 'forgotten', topic: 'a' });
  journal.afterCommit(() => called.push(2));
  journal.afterCommit(() => called.push(3));
  journal.record({ type: 'forgotten', topic: 'b' });
  journal.afterCommit(() => called.push(4));
  expect(called).toEqual([1]);
  await journal.flush();
  expect(called).toEqual([1, 2, 3, 4]);
});
