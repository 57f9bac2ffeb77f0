import type { Message, SessionChange, StoredState } from '@ioto/mqtt';
import fc from 'fast-check';
import { SHARED_FROM } from './session-commit.ts';

/** Every change of every kind, on few names, so that they meet. The messages are few objects, as they are in a server. */
export function arbitraryChanges(): fc.Arbitrary<SessionChange[]> {
  const word = fc.string({ maxLength: 6, unit: 'grapheme' });
  const arbitraryMessage = fc.record(
    {
      topic: fc.constantFrom('a', 'b/c', 'é'.repeat(1500)),
      payload: fc
        .oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: SHARED_FROM, maxLength: 600 }))
        .map((bytes) => Buffer.from(bytes)),
      qos: fc.constantFrom<0 | 1 | 2>(0, 1, 2),
      retain: fc.boolean(),
      expiresAt: fc.nat(),
      publisher: word,
      properties: fc.record(
        {
          payloadFormatIndicator: fc.constantFrom(0, 1),
          contentType: word,
          responseTopic: word,
          correlationData: fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes)),
          userProperties: fc.array(fc.tuple(word, word), { maxLength: 2 }),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: ['topic', 'payload', 'qos', 'retain'] },
  );
  return fc.array(arbitraryMessage, { minLength: 1, maxLength: 4 }).chain((messages) => {
    const clientId = fc.constantFrom('d1', 'd2', 'd3');
    const sequence = fc.integer({ min: 1, max: 6 });
    const packetId = fc.constantFrom(1, 2, 65_535);
    const one = fc.constantFrom(...messages) as fc.Arbitrary<Message>;
    const numbers = fc.array(fc.integer({ min: 1, max: 268_435_455 }), { minLength: 1, maxLength: 2 });
    const subscription = fc.record(
      {
        filter: fc.constantFrom('a', '#', '$share/g/+'),
        topicFilter: fc.constantFrom('a', '#', '+'),
        share: fc.constant('g'),
        qos: fc.constantFrom<0 | 1 | 2>(0, 1, 2),
        noLocal: fc.boolean(),
        retainAsPublished: fc.boolean(),
        identifiers: numbers,
      },
      { requiredKeys: ['filter', 'topicFilter', 'qos', 'noLocal', 'retainAsPublished'] },
    );
    const newDelivery = fc.record(
      {
        sequence,
        message: one,
        qos: fc.constantFrom<1 | 2>(1, 2),
        retain: fc.boolean(),
        queuedAt: fc.nat(),
        packetId: fc.constant(0),
        released: fc.constant(false),
        identifiers: numbers,
      },
      { requiredKeys: ['sequence', 'message', 'qos', 'retain', 'queuedAt', 'packetId', 'released'] },
    );
    const type = <T extends SessionChange['type']>(value: T) => fc.constant(value);
    const expiry = fc.constantFrom(1, 1000, Number.POSITIVE_INFINITY);
    const of = { clientId };
    const kinds: [number, fc.Arbitrary<SessionChange>][] = [
      [
        3,
        fc.record(
          { ...of, type: type('session'), expiry, owner: word, expiresAt: fc.nat() },
          { requiredKeys: ['type', 'clientId', 'expiry'] },
        ),
      ],
      [1, fc.record({ ...of, type: type('sessionEnded') })],
      [2, fc.record({ ...of, type: type('subscribed'), subscription })],
      [1, fc.record({ ...of, type: type('unsubscribed'), filter: fc.constantFrom('a', '#') })],
      [6, fc.record({ ...of, type: type('queued'), delivery: newDelivery })],
      [3, fc.record({ ...of, type: type('sent'), sequence, packetId })],
      [2, fc.record({ ...of, type: type('released'), sequence })],
      [3, fc.record({ ...of, type: type('settled'), sequence })],
      [1, fc.record({ ...of, type: type('received'), packetId })],
      [1, fc.record({ ...of, type: type('receivedReleased'), packetId })],
      [1, fc.record({ type: type('retained'), message: one })],
      [1, fc.record({ type: type('forgotten'), topic: fc.constantFrom('a', 'b/c') })],
    ];
    return fc.array(fc.oneof(...kinds.map(([weight, arbitrary]) => ({ weight, arbitrary }))), {
      maxLength: 40,
    });
  });
}

/** In an order of its own, and without what only a process has. */
export function normal({ sessions, retained }: StoredState) {
  const bare = ({ topicBytes: _, detached: __, ...rest }: Message) => ({
    ...rest,
    payload: rest.payload.toString('hex'),
  });
  return {
    sessions: sessions
      .map((each) => ({
        ...each,
        subscriptions: [...each.subscriptions].sort(by('filter')),
        deliveries: [...each.deliveries]
          .sort((a, b) => a.sequence - b.sequence)
          .map((one) => ({ ...one, message: bare(one.message) })),
        unreleased: [...each.unreleased].sort((a, b) => a - b),
      }))
      .sort(by('clientId')),
    retained: retained.map(bare).sort(by('topic')),
  };
}

function by<K extends string>(name: K) {
  return (a: Record<K, string>, b: Record<K, string>) => (a[name] < b[name] ? -1 : 1);
}
