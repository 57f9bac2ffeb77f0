import fc from 'fast-check';
import { buildPacket } from '../src/codec/codec.ts';
import type { ConnectPacket, Packet, ProtocolLevel, Qos } from '../src/codec/packets.ts';
import { anyPacket } from '../test/arbitrary-packets.ts';
import type { Random } from './random.ts';

/** Few names, so that clients meet. */
const CLIENT_IDS = ['a', 'b', 'c', ''];
const TOPICS = ['t', 't/1', 't/2', 'u/1/2', '$aws/x', 't//', 'é'];
const FILTERS = [
  't',
  't/+',
  't/#',
  '#',
  '+/1/#',
  '$share/g/t/#',
  '$share/g/#',
  '$share/h/t',
  '$aws/x',
  't//',
];
const POOL = 400;

/** Packets by the grammar: any that the standard allows, and such as a conversation is made of. */
export class PacketSource {
  readonly #any: Record<ProtocolLevel, Packet[]>;

  constructor(seed: number) {
    this.#any = {
      4: fc.sample(anyPacket[4], { numRuns: POOL, seed }),
      5: fc.sample(anyPacket[5], { numRuns: POOL, seed }),
    };
  }

  any(level: ProtocolLevel, random: Random): Buffer {
    return buildPacket(random.pick(this.#any[level]), level);
  }

  /** What a client may say in the middle of a conversation. */
  sensible(level: ProtocolLevel, random: Random): Buffer {
    return buildPacket(random.pick(SAYINGS)(level, random), level);
  }

  connect(level: ProtocolLevel, random: Random): Buffer {
    return buildPacket(connectOf(level, random), level);
  }
}

function connectOf(level: ProtocolLevel, random: Random): ConnectPacket {
  const packet: ConnectPacket = {
    type: 'connect',
    protocolLevel: level,
    clientId: random.pick(CLIENT_IDS),
    cleanSession: random.once(3),
    keepAlive: random.pick([0, 30, 60, 65_535]),
  };
  if (random.once(3)) {
    const properties = level === 5 ? { willDelayInterval: random.pick([0, 5, 600]) } : undefined;
    const payload = random.bytes(random.below(20));
    packet.will = {
      topic: random.pick(TOPICS),
      payload,
      qos: qosOf(random),
      retain: random.once(2),
      properties,
    };
  }
  if (level === 4) return packet;
  packet.properties = {
    sessionExpiryInterval: random.pick([0, 5, 600, 0xffff_ffff]),
    receiveMaximum: random.pick([1, 2, 100, 65_535]),
    topicAliasMaximum: random.pick([0, 1, 5]),
    requestProblemInformation: random.below(2),
  };
  if (random.once(4)) packet.properties.maximumPacketSize = random.pick([1, 20, 60, 200]);
  return packet;
}

function qosOf(random: Random): Qos {
  return random.below(3) as Qos;
}

/** Few identifiers, so that they meet, too. */
function idOf(random: Random): number {
  return random.once(20) ? 1 + random.below(65_535) : 1 + random.below(6);
}

const SAYINGS: readonly ((level: ProtocolLevel, random: Random) => Packet)[] = [
  publish,
  publish,
  publish,
  (level, random) => ({
    type: 'subscribe',
    packetId: idOf(random),
    subscriptions: Array.from({ length: 1 + random.below(3) }, () => ({
      filter: random.pick(FILTERS),
      qos: qosOf(random),
      noLocal: level === 5 && random.once(8),
      retainAsPublished: level === 5 && random.once(2),
      retainHandling: level === 5 ? (random.below(3) as 0 | 1 | 2) : 0,
    })),
    properties:
      level === 5 && random.once(2) ? { subscriptionIdentifiers: [1 + random.below(9)] } : undefined,
  }),
  (_, random) => ({ type: 'unsubscribe', packetId: idOf(random), filters: [random.pick(FILTERS)] }),
  (_, random) => ({
    type: random.pick(['puback', 'pubrec', 'pubrel', 'pubcomp'] as const),
    packetId: idOf(random),
  }),
  () => ({ type: 'pingreq' }),
  (level, random) => ({
    type: 'disconnect',
    reasonCode: level === 5 ? random.pick([0, 4]) : undefined,
    properties:
      level === 5 && random.once(2) ? { sessionExpiryInterval: random.pick([0, 5, 600]) } : undefined,
  }),
];

function publish(level: ProtocolLevel, random: Random): Packet {
  const qos = qosOf(random);
  const properties =
    level === 5 && random.once(2)
      ? {
          topicAlias: random.once(2) ? random.below(5) : undefined,
          messageExpiryInterval: random.once(2) ? random.pick([0, 1, 600]) : undefined,
          payloadFormatIndicator: random.once(3) ? 1 : undefined,
          userProperties: random.once(3) ? [['k', 'v'] as [string, string]] : undefined,
        }
      : undefined;
  return {
    type: 'publish',
    topic: properties?.topicAlias && random.once(2) ? '' : random.pick(TOPICS),
    payload: random.bytes(random.pick([0, 1, 20, 300])),
    qos,
    dup: qos > 0 && random.once(4),
    retain: random.once(3),
    packetId: qos === 0 ? 0 : idOf(random),
    properties,
  };
}
