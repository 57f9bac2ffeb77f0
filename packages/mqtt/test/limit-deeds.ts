import type { ConnectPacket, Packet, ProtocolLevel } from '../src/codec/packets.ts';
import type { Properties } from '../src/codec/properties.ts';
import type { MqttHooks, MqttLimits } from '../src/index.ts';
import type { Identity, MqttWorld } from './mqtt-world.ts';
import type { ScriptedClient } from './scripted-client.ts';

/** What a client sees last. */
export interface Seen {
  /** Nothing but silence where it is absent. */
  packet?: Packet['type'];
  /** Its reason code, or the last of its return codes. */
  code?: number;
  properties?: Properties;
  /** True where the reason string says the limit's name and its value. */
  named?: boolean;
  /** True where the connection ends. */
  ends?: boolean;
}

export interface Deed {
  limits: Partial<MqttLimits>;
  hooks?: Partial<MqttHooks<Identity>>;
  /** Exceeds the limit by as little as can be; resolves with the client to look at. */
  exceed(world: MqttWorld, level: ProtocolLevel): Promise<ScriptedClient>;
  /** What a client of MQTT 5 sees. */
  five: Seen;
  /** What one of 3.1.1 sees; undefined where it has no way to exceed the limit. */
  three: Seen | undefined;
  /** Levels at which it is counted; a limit that bends what a client asks for, or makes it wait, counts nothing. */
  counted: ProtocolLevel[];
  /** True where nobody knows yet who the client is, so that its owner cannot be told. */
  stranger?: boolean;
}

const BOTH: ProtocolLevel[] = [4, 5];
const NEVER = () => new Promise<never>(() => undefined);
const ENDS: Seen = { ends: true };

function kept(level: ProtocolLevel): Partial<ConnectPacket> {
  const properties = level === 5 ? { sessionExpiryInterval: 60 } : undefined;
  return { protocolLevel: level, cleanSession: false, properties };
}

/** Connects as asked, and leaves the CONNACK in the inbox. */
async function connecting(world: MqttWorld, options: Partial<ConnectPacket>): Promise<ScriptedClient> {
  const client = world.open();
  const connack = await client.connect(options);
  client.inbox.unshift(connack);
  return client;
}

/** One client that does something after its CONNECT. */
function client(deed: (client: ScriptedClient, world: MqttWorld) => void): Deed['exceed'] {
  return async (world, level) => {
    const made = await world.client('d1', kept(level));
    deed(made, world);
    await world.settle();
    return made;
  };
}

/** One client that subscribes to `a`, is away while something happens, and comes back. */
function away(deed: (world: MqttWorld) => Promise<unknown> | unknown): Deed['exceed'] {
  return async (world, level) => {
    const before = await world.subscriber('d1', ['a'], kept(level));
    before.vanish();
    await world.settle();
    await deed(world);
    const back = await world.client('d1', kept(level));
    await world.settle();
    return back;
  };
}

function publishTwice({ server }: MqttWorld): void {
  for (const text of ['first', 'other']) server.publish('a', text, { qos: 1 });
}

const publishLong = client((made) => made.publish('a/long/topic', 'x', { qos: 1, packetId: 1 }));

const retainTwice = client((made) => {
  for (const [topic, packetId] of [['a', 1] as const, ['b', 2] as const])
    made.publish(topic, 'xxxx', { qos: 1, packetId, retain: true });
});

const publishTwiceUnreleased = client((made) => {
  for (const packetId of [1, 2]) made.publish('a', 'x', { qos: 2, packetId });
});

const RETAINED: Pick<Deed, 'exceed' | 'five' | 'three' | 'counted'> = {
  exceed: retainTwice,
  // The message is delivered: it is a success that says what did not happen.
  five: { packet: 'puback', code: 0, named: true },
  three: { packet: 'puback' },
  counted: BOTH,
};

const SESSIONS: Omit<Deed, 'limits'> = {
  exceed: async (world, level) => {
    await world.client('other');
    return connecting(world, { ...kept(level), clientId: 'd1' });
  },
  five: { packet: 'connack', code: 0x97, named: true, ends: true },
  three: { packet: 'connack', code: 3, ends: true },
  counted: BOTH,
  stranger: true,
};

/** The first of two messages that waited. */
const ONE_CAME: Seen = { packet: 'publish' };

/** How each limit is exceeded, and what its client is told; a limit that is missing here does not compile. */
export const DEEDS = {
  connectTimeout: {
    limits: { connectTimeout: 1000 },
    hooks: { authenticate: NEVER },
    exceed: async (world, level) => {
      const slow = world.open();
      slow.send({ type: 'connect', clientId: 'd1', keepAlive: 60, ...kept(level) } as ConnectPacket);
      await world.clock.advance(1000);
      return slow;
    },
    five: { packet: 'connack', code: 0x89, named: true, ends: true },
    three: ENDS,
    counted: BOTH,
    stranger: true,
  },
  maxPendingConnections: {
    limits: { maxPendingConnections: 1 },
    exceed: async (world) => {
      const silent = world.open();
      world.open();
      return silent;
    },
    // Which version it speaks is not known: it has said nothing.
    five: ENDS,
    three: ENDS,
    counted: BOTH,
    stranger: true,
  },
  maxConnectSize: {
    limits: { maxConnectSize: 100 },
    exceed: (world, level) => {
      const large = world.open();
      large.send({
        type: 'connect',
        clientId: 'x'.repeat(100),
        keepAlive: 60,
        ...kept(level),
      } as ConnectPacket);
      return Promise.resolve(large);
    },
    five: { packet: 'connack', code: 0x95, named: true, ends: true },
    three: ENDS,
    counted: BOTH,
    stranger: true,
  },
  maxPacketSize: {
    limits: { maxPacketSize: 100 },
    exceed: client((made) => made.publish('a', 'x'.repeat(100))),
    five: { packet: 'disconnect', code: 0x95, named: true, ends: true },
    three: ENDS,
    counted: BOTH,
  },
  maxPayloadSize: {
    limits: { maxPayloadSize: 10 },
    exceed: client((made) => made.publish('a', 'x'.repeat(11), { qos: 1, packetId: 1 })),
    five: { packet: 'puback', code: 0x97, named: true },
    three: ENDS,
    counted: BOTH,
  },
  maxClientIdLength: {
    limits: { maxClientIdLength: 3 },
    exceed: (world, level) => connecting(world, { ...kept(level), clientId: 'long' }),
    five: { packet: 'connack', code: 0x85, named: true, ends: true },
    three: { packet: 'connack', code: 2, ends: true },
    counted: BOTH,
    stranger: true,
  },
  minKeepAlive: {
    limits: { minKeepAlive: 30 },
    exceed: (world, level) => connecting(world, { ...kept(level), keepAlive: 10 }),
    five: { packet: 'connack', code: 0, properties: { serverKeepAlive: 30 } },
    three: { packet: 'connack', code: 0 },
    counted: [],
  },
  maxKeepAlive: {
    limits: { maxKeepAlive: 100 },
    exceed: (world, level) => connecting(world, { ...kept(level), keepAlive: 101 }),
    five: { packet: 'connack', code: 0, properties: { serverKeepAlive: 100 } },
    three: { packet: 'connack', code: 0 },
    counted: [],
  },
  maxTopicLength: {
    limits: { maxTopicLength: 11 },
    exceed: publishLong,
    five: { packet: 'puback', code: 0x90, named: true },
    three: ENDS,
    counted: BOTH,
  },
  maxTopicLevels: {
    limits: { maxTopicLevels: 2 },
    exceed: publishLong,
    five: { packet: 'puback', code: 0x90, named: true },
    three: ENDS,
    counted: BOTH,
  },
  maxFiltersPerSubscribe: {
    limits: { maxFiltersPerSubscribe: 1 },
    exceed: client((made) => made.subscribe(1, ['a', 0], ['b', 0])),
    five: { packet: 'suback', code: 0x97, named: true },
    three: { packet: 'suback', code: 0x80 },
    counted: BOTH,
  },
  maxSubscriptions: {
    limits: { maxSubscriptions: 1 },
    exceed: client((made) => made.subscribe(1, ['a', 0], ['b', 0])),
    five: { packet: 'suback', code: 0x97, named: true },
    three: { packet: 'suback', code: 0x80 },
    counted: BOTH,
  },
  maxPublishRate: {
    limits: { maxPublishRate: 1 },
    exceed: client((made) => {
      for (const text of ['first', 'other']) made.publish('a', text);
    }),
    // It is read more slowly.
    five: {},
    three: {},
    counted: BOTH,
  },
  maxSubscribeRate: {
    limits: { maxSubscribeRate: 1 },
    exceed: client((made) => {
      made.subscribe(1, ['a', 1]);
      made.send({ type: 'unsubscribe', packetId: 2, filters: ['a'] });
    }),
    // It is answered, and read more slowly.
    five: { packet: 'unsuback' },
    three: { packet: 'unsuback' },
    counted: BOTH,
  },
  maxReceiving: {
    limits: { maxReceiving: 1 },
    exceed: publishTwiceUnreleased,
    five: { packet: 'disconnect', code: 0x93, named: true, ends: true },
    // Nobody has told it a receive maximum: `maxUnreleased` is its own.
    three: { packet: 'pubrec' },
    counted: [5],
  },
  maxUnreleased: {
    limits: { maxUnreleased: 1 },
    exceed: publishTwiceUnreleased,
    five: { packet: 'pubrec', code: 0 },
    three: { packet: 'pubrec', ends: true },
    counted: [4],
  },
  maxTopicAliases: {
    limits: { maxTopicAliases: 2 },
    exceed: client((made) => made.publish('a', 'x', { properties: { topicAlias: 3 } })),
    five: { packet: 'disconnect', code: 0x94, named: true, ends: true },
    three: undefined,
    counted: [5],
  },
  maxInFlight: {
    limits: { maxInFlight: 1 },
    exceed: async (world, level) => {
      const slow = await world.subscriber('d1', ['a'], kept(level));
      publishTwice(world);
      return slow;
    },
    // The second one waits for its PUBACK.
    five: ONE_CAME,
    three: ONE_CAME,
    counted: [],
  },
  maxQueuedMessages: {
    limits: { maxQueuedMessages: 1 },
    exceed: away(publishTwice),
    five: ONE_CAME,
    three: ONE_CAME,
    counted: BOTH,
  },
  maxQueuedBytes: {
    limits: { maxQueuedBytes: 10 },
    exceed: away(publishTwice),
    five: ONE_CAME,
    three: ONE_CAME,
    counted: BOTH,
  },
  maxQueuedBytesInAll: {
    limits: { maxQueuedBytesInAll: 1000 },
    exceed: away(publishTwice),
    five: ONE_CAME,
    three: ONE_CAME,
    counted: BOTH,
  },
  maxQueuedBytesOfOwner: {
    limits: { maxQueuedBytesOfOwner: 1000 },
    hooks: { queueOwner: (owner) => owner },
    exceed: away(publishTwice),
    five: ONE_CAME,
    three: ONE_CAME,
    counted: BOTH,
  },
  maxQueuedAge: {
    limits: { maxQueuedAge: 1000 },
    exceed: away(({ server, clock }) => {
      server.publish('a', 'x', { qos: 1 });
      return clock.advance(1001);
    }),
    five: {},
    three: {},
    counted: BOTH,
  },
  maxWriteBuffer: {
    limits: { maxWriteBuffer: 1000 },
    exceed: async (world, level) => {
      const stuck = await world.client('d1', kept(level));
      stuck.stream.pause();
      const pings = Buffer.alloc(10_000, Buffer.from([0xc0, 0]));
      for (let sent = 0; sent < 10; sent += 1) stuck.sendBytes(pings);
      await world.clock.advance(0);
      if (stuck.stream.writableLength === 0) throw new Error('it is read although it takes nothing');
      return stuck;
    },
    // It is not read until it takes its answers.
    five: {},
    three: {},
    counted: [],
  },
  stallTimeout: {
    limits: { stallTimeout: 1000 },
    exceed: async (world, level) => {
      const stuck = await world.subscriber('d1', ['a'], kept(level));
      stuck.stream.pause();
      for (let sent = 0; sent < 10; sent += 1) world.server.publish('a', 'x'.repeat(20_000), { qos: 1 });
      // What it took before the first message was on its way counts for the first period.
      await world.clock.advance(2000);
      stuck.stream.resume();
      return stuck;
    },
    five: { packet: 'disconnect', code: 0x97, named: true, ends: true },
    three: { packet: 'publish', ends: true },
    counted: BOTH,
  },
  subscribeGrace: {
    limits: { subscribeGrace: 1000 },
    exceed: async (world, level) => {
      const late = await world.client('d1', kept(level));
      const outcome = world.server.deliver('d1', 'a', 'x');
      await world.clock.advance(1000);
      if ((await outcome) !== 'unsubscribed') throw new Error('the message waits beyond subscribeGrace');
      late.subscribe(1, ['a', 1]);
      return late;
    },
    // The message does not come.
    five: { packet: 'suback' },
    three: { packet: 'suback' },
    counted: [],
  },
  maxSessions: { ...SESSIONS, limits: { maxSessions: 1 } },
  maxSessionsOfOwner: {
    ...SESSIONS,
    limits: { maxSessionsOfOwner: 1 },
    hooks: { sessionGroup: (owner) => owner },
  },
  sessionExpiry: {
    limits: { sessionExpiry: 1000 },
    exceed: (world, level) => connecting(world, { ...kept(level), clientId: 'd1' }),
    five: { packet: 'connack', code: 0, properties: { sessionExpiryInterval: 1 } },
    three: { packet: 'connack', code: 0 },
    counted: [],
  },
  maxRetainedMessages: { ...RETAINED, limits: { maxRetainedMessages: 1 } },
  maxRetainedBytes: { ...RETAINED, limits: { maxRetainedBytes: 9 } },
  maxRetainedMessagesOfOwner: {
    ...RETAINED,
    limits: { maxRetainedMessagesOfOwner: 1 },
    hooks: { retainedOwner: () => 'me' },
  },
  maxRetainedBytesOfOwner: {
    ...RETAINED,
    limits: { maxRetainedBytesOfOwner: 9 },
    hooks: { retainedOwner: () => 'me' },
  },
} satisfies Record<keyof MqttLimits, Deed>;
