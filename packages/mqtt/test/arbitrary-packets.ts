import fc from 'fast-check';
import type { AckPacket, Packet, Qos } from '../src/codec/packets.ts';

const text = fc.string({ unit: 'binary', maxLength: 40 }).filter((value) => !value.includes('\0'));
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const packetId = fc.integer({ min: 1, max: 65_535 });
const qos = fc.constantFrom<Qos>(0, 1, 2);

const will = fc.record({ topic: text, payload: bytes, qos, retain: fc.boolean() });

const connect = fc
  .record(
    {
      type: fc.constant('connect' as const),
      protocolLevel: fc.constant(4 as const),
      clientId: text,
      cleanSession: fc.boolean(),
      keepAlive: fc.integer({ min: 0, max: 65_535 }),
      will,
      username: text,
      password: bytes,
    },
    { requiredKeys: ['type', 'protocolLevel', 'clientId', 'cleanSession', 'keepAlive', 'username'] },
  )
  .chain((packet) => {
    const { username: _, password: __, ...anonymous } = packet;
    return fc.constantFrom(packet, anonymous);
  });

const connack = fc
  .record({
    type: fc.constant('connack' as const),
    sessionPresent: fc.boolean(),
    returnCode: fc.constantFrom(0 as const, 1 as const, 2 as const, 3 as const, 4 as const, 5 as const),
  })
  .map((packet) => ({ ...packet, sessionPresent: packet.sessionPresent && packet.returnCode === 0 }));

const publish = fc
  .record({
    type: fc.constant('publish' as const),
    topic: text,
    payload: bytes,
    qos,
    dup: fc.boolean(),
    retain: fc.boolean(),
    packetId,
  })
  .map((packet) => (packet.qos === 0 ? { ...packet, dup: false, packetId: 0 } : packet));

const ack = fc.record({
  type: fc.constantFrom<AckPacket['type']>('puback', 'pubrec', 'pubrel', 'pubcomp', 'unsuback'),
  packetId,
});

const subscribe = fc.record({
  type: fc.constant('subscribe' as const),
  packetId,
  subscriptions: fc.array(fc.record({ filter: text, qos }), { minLength: 1, maxLength: 5 }),
});

const suback = fc.record({
  type: fc.constant('suback' as const),
  packetId,
  returnCodes: fc.array(fc.constantFrom<Qos | 0x80>(0, 1, 2, 0x80), { minLength: 1, maxLength: 5 }),
});

const unsubscribe = fc.record({
  type: fc.constant('unsubscribe' as const),
  packetId,
  filters: fc.array(text, { minLength: 1, maxLength: 5 }),
});

const bare = fc.record({
  type: fc.constantFrom('pingreq' as const, 'pingresp' as const, 'disconnect' as const),
});

/** Every packet that the standard allows, up to a size. */
export const anyPacket: fc.Arbitrary<Packet> = fc.oneof(
  connect,
  connack,
  publish,
  ack,
  subscribe,
  suback,
  unsubscribe,
  bare,
);
