import fc from 'fast-check';
import type { AckPacket, Packet, ProtocolLevel, Qos } from '../src/codec/packets.ts';
import { type Properties, type PropertyPlace, RULES } from '../src/codec/properties.ts';
import { type PacketWithReason, reasonsOf } from '../src/codec/reason-codes.ts';

const text = fc.string({ unit: 'binary', maxLength: 40 }).filter((value) => !value.includes('\0'));
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const packetId = fc.integer({ min: 1, max: 65_535 });
const qos = fc.constantFrom<Qos>(0, 1, 2);

/** Any properties that may stand in a place; none in MQTT 3.1.1. */
function propertiesIn(place: PropertyPlace, level: ProtocolLevel): fc.Arbitrary<Properties | undefined> {
  if (level === 4) return fc.constant(undefined);
  const values: Record<string, fc.Arbitrary<unknown>> = {};
  for (const { name, kind, places, least, most } of RULES) {
    if (!places.has(place)) continue;
    const number = fc.integer({ min: least, max: most });
    if (name === 'userProperties') {
      values[name] = fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 3 });
    } else if (name === 'subscriptionIdentifiers') {
      values[name] = fc.array(number, { minLength: 1, maxLength: place === 'publish' ? 3 : 1 });
    } else values[name] = kind === 'text' ? text : kind === 'binary' ? bytes : number;
  }
  return fc.record(values, { requiredKeys: [] }).map((properties: Properties) => {
    const { authenticationData: _, ...others } = properties;
    const allowed = properties.authenticationMethod === undefined ? others : properties;
    return Object.keys(allowed).length === 0 ? undefined : allowed;
  });
}

function reasonOf(type: PacketWithReason, level: ProtocolLevel): fc.Arbitrary<number | undefined> {
  return level === 4 ? fc.constant(undefined) : fc.constantFrom(...reasonsOf(type));
}

function packetsOf(level: ProtocolLevel): fc.Arbitrary<Packet> {
  const properties = (place: PropertyPlace) => propertiesIn(place, level);
  const will = fc.record({
    topic: text,
    payload: bytes,
    qos,
    retain: fc.boolean(),
    properties: properties('will'),
  });

  const connect = fc
    .record(
      {
        type: fc.constant('connect' as const),
        protocolLevel: fc.constant(level),
        clientId: text,
        cleanSession: fc.boolean(),
        keepAlive: fc.integer({ min: 0, max: 65_535 }),
        properties: properties('connect'),
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
      returnCode: level === 4 ? fc.integer({ min: 0, max: 5 }) : fc.constantFrom(...reasonsOf('connack')),
      properties: properties('connack'),
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
      properties: properties('publish'),
    })
    .map((packet) => (packet.qos === 0 ? { ...packet, dup: false, packetId: 0 } : packet));

  const ack = fc.constantFrom<AckPacket['type']>('puback', 'pubrec', 'pubrel', 'pubcomp').chain((type) =>
    fc.record({
      type: fc.constant(type),
      packetId,
      reasonCode: reasonOf(type, level),
      properties: properties(type),
    }),
  );

  const subscription =
    level === 4
      ? fc.record({ filter: text, qos })
      : fc.record({
          filter: text,
          qos,
          noLocal: fc.boolean(),
          retainAsPublished: fc.boolean(),
          retainHandling: fc.constantFrom(0 as const, 1 as const, 2 as const),
        });

  const subscribe = fc.record({
    type: fc.constant('subscribe' as const),
    packetId,
    subscriptions: fc.array(subscription, { minLength: 1, maxLength: 5 }),
    properties: properties('subscribe'),
  });

  const subackCode = level === 4 ? fc.constantFrom(0, 1, 2, 0x80) : fc.constantFrom(...reasonsOf('suback'));
  const suback = fc.record({
    type: fc.constant('suback' as const),
    packetId,
    returnCodes: fc.array(subackCode, { minLength: 1, maxLength: 5 }),
    properties: properties('suback'),
  });

  const unsubscribe = fc.record({
    type: fc.constant('unsubscribe' as const),
    packetId,
    filters: fc.array(text, { minLength: 1, maxLength: 5 }),
    properties: properties('unsubscribe'),
  });

  const unsubackCodes = fc.array(fc.constantFrom(...reasonsOf('unsuback')), { minLength: 1, maxLength: 5 });
  const unsuback = fc.record({
    type: fc.constant('unsuback' as const),
    packetId,
    reasonCodes: level === 4 ? fc.constant(undefined) : unsubackCodes,
    properties: properties('unsuback'),
  });

  const ping = fc.record({ type: fc.constantFrom('pingreq' as const, 'pingresp' as const) });
  const disconnect = fc.record({
    type: fc.constant('disconnect' as const),
    reasonCode: reasonOf('disconnect', level),
    properties: properties('disconnect'),
  });
  const auth = fc.record({
    type: fc.constant('auth' as const),
    reasonCode: fc.constantFrom(...reasonsOf('auth')),
    properties: properties('auth'),
  });

  const both = [connect, connack, publish, ack, subscribe, suback, unsubscribe, unsuback, ping, disconnect];
  return fc.oneof(...both, ...(level === 5 ? [auth] : []));
}

/** Every packet that each version of the standard allows, up to a size. */
export const anyPacket: Record<ProtocolLevel, fc.Arbitrary<Packet>> = { 4: packetsOf(4), 5: packetsOf(5) };
