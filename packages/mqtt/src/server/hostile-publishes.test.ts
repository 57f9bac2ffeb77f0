import { describe, expect, it } from 'vitest';
import { Bystander } from '../../test/bystander.ts';
import { MqttWorld } from '../../test/mqtt-world.ts';
import type { ScriptedClient } from '../../test/scripted-client.ts';
import { buildPacket } from '../codec/codec.ts';
import type { Packet, ProtocolLevel, PublishPacket } from '../codec/packets.ts';
import { DELIVERY_COST } from '../session/message.ts';

const FIVE = { protocolLevel: 5 as const, cleanSession: false, properties: { sessionExpiryInterval: 60 } };
const UNPACED = { maxPublishRate: Number.POSITIVE_INFINITY };

function publishOf(topic: string, text: string, options: Partial<PublishPacket> = {}): PublishPacket {
  const payload = Buffer.from(text);
  return { type: 'publish', topic, payload, qos: 0, dup: false, retain: false, packetId: 0, ...options };
}

/** Sends one packet many times over, in chunks of a few kilobytes, and waits until all were read. */
async function flood(
  { world, client }: { world: MqttWorld; client: ScriptedClient },
  packets: Iterable<Packet>,
  between: () => Promise<unknown> = async () => undefined,
): Promise<void> {
  let chunk: Buffer[] = [];
  const send = async () => {
    client.sendBytes(Buffer.concat(chunk));
    chunk = [];
    await between();
  };
  for (const packet of packets) {
    chunk.push(buildPacket(packet, client.level));
    if (chunk.length === 2000) await send();
  }
  await send();
  for (let turn = 0; client.stream.writableLength > 0 && !client.ended && turn < 10_000; turn += 1)
    await new Promise((resolve) => setImmediate(resolve));
  await world.settle();
}

function* repeated(count: number, packet: (index: number) => Packet): Generator<Packet> {
  for (let index = 0; index < count; index += 1) yield packet(index);
}

describe('a hundred thousand retained topics', () => {
  it('of one client are kept up to maxRetainedMessages, and each beyond is told and counted', async () => {
    await using world = new MqttWorld({ limits: UNPACED });
    const bystander = await Bystander.in(world);
    const client = await world.client('d1', FIVE);
    const topics = repeated(100_000, (index) => publishOf(`r/${index}`, 'x', { retain: true }));
    await flood({ world, client }, topics, () => bystander.isServed());
    expect(world.server.counters).toMatchObject({
      retainedMessages: 10_000,
      violations: { maxRetainedMessages: 90_000 },
    });
    client.publish('one/more', 'x', { qos: 1, packetId: 1, retain: true });
    const told = await client.nextOf('puback');
    expect(told.properties?.reasonString).toContain('maxRetainedMessages, which is 10000');
  });

  it('are no more than a batch to a subscriber that reads none of them', async () => {
    await using world = new MqttWorld();
    const bystander = await Bystander.in(world);
    for (let index = 0; index < 10_000; index += 1)
      world.server.publish(`r/${index}`, 'x'.repeat(100), { retain: true, qos: 1 });
    const readers = [];
    for (let index = 0; index < 20; index += 1) {
      const reader = await world.client(`d${index}`, FIVE);
      reader.stream.pause();
      reader.subscribe(1, ['r/#', 1], ['r/+', 1], ['+/+', 1], ['#', 1]);
      readers.push(reader);
    }
    await world.settle();
    await bystander.isServed();
    expect(world.server.counters.queuedBytes).toBeGreaterThan(0);
    expect(world.server.counters.queuedBytes).toBeLessThanOrEqual(20 * 201 * (107 + DELIVERY_COST));
    expect(world.server.counters.violations).toEqual({});
  });
});

describe('a client that never reads', () => {
  it('costs up to maxQueuedBytesInAll with all that do so, and who reads loses nothing', async () => {
    const most = 1024 * 1024;
    await using world = new MqttWorld({ limits: { maxQueuedBytesInAll: most } });
    const bystander = await Bystander.in(world);
    const stuck: ScriptedClient[] = [];
    for (let index = 0; index < 20; index += 1) {
      const client = await world.subscriber(`d${index}`, ['news'], FIVE);
      client.stream.pause();
      stuck.push(client);
    }
    // The last to be given anything.
    const reader = await world.subscriber('reader', ['news']);
    for (let sent = 0; sent < 60; sent += 1) {
      world.server.publish('news', 'x'.repeat(10_000), { qos: 1 });
      expect(world.server.counters.queuedBytes).toBeLessThanOrEqual(most + 10_004 + DELIVERY_COST);
      reader.ack((await reader.nextPublish()).packetId);
      await bystander.isServed();
    }
    expect(world.server.counters.violations.maxQueuedBytesInAll).toBeGreaterThan(0);
    for (const client of stuck) client.vanish();
    await world.settle();
    await world.clock.advance(60_000);
    expect(world.server.counters).toMatchObject({ sessions: 2, queuedBytes: 0 });
  });
});

describe.each<[ProtocolLevel]>([[4], [5]])(
  'endless games with the packets of QoS 2, at level %i',
  (level) => {
    const OPTIONS = { ...FIVE, protocolLevel: level };

    it('get an answer each, and nothing grows by them', async () => {
      await using world = new MqttWorld({ limits: UNPACED });
      const bystander = await Bystander.in(world);
      const client = await world.subscriber('d1', ['a'], OPTIONS);
      world.server.publish('a', 'x', { qos: 1 });
      const { packetId } = await client.nextPublish();
      const games: [Packet['type'] | undefined, (index: number) => Packet][] = [
        ['pubcomp', (index) => ({ type: 'pubrel', packetId: (index % 65_535) + 1 })],
        // Nobody waits for them: not even the message that is under way, which is of QoS 1.
        ['pubrel', () => ({ type: 'pubrec', packetId })],
        [undefined, () => ({ type: 'pubcomp', packetId })],
        [undefined, (index) => ({ type: 'puback', packetId: packetId + 1 + (index % 100) })],
      ];
      for (const [answer, move] of games) {
        await flood({ world, client }, repeated(5000, move), () => bystander.isServed());
        expect(client.inbox.splice(0).map(({ type }) => type)).toEqual(
          answer ? Array(5000).fill(answer) : [],
        );
      }
      expect(world.server.counters).toMatchObject({
        connections: 2,
        queuedBytes: 2 + DELIVERY_COST,
        violations: {},
      });
      client.ack(packetId);
      await world.settle();
      expect(world.server.counters.queuedBytes).toBe(0);
    });

    it('hand over one message once, however often it is begun, released half and begun again', async () => {
      await using world = new MqttWorld({ limits: UNPACED });
      const bystander = await Bystander.in(world);
      const client = await world.client('d1', OPTIONS);
      const publish = publishOf('a', 'x', { qos: 2, packetId: 7 });
      await flood(
        { world, client },
        repeated(5000, (index) => ({ ...publish, dup: index > 0 })),
        () => bystander.isServed(),
      );
      expect(client.inbox.splice(0)).toHaveLength(5000);
      expect(world.received.filter(({ from }) => from === 'd1')).toHaveLength(1);
      const pubrel: Packet = { type: 'pubrel', packetId: 7 };
      await flood(
        { world, client },
        repeated(10_000, (index) => (index % 2 ? pubrel : publish)),
        () => bystander.isServed(),
      );
      // The first PUBREL ends the message that was begun before.
      expect(world.received.filter(({ from }) => from === 'd1')).toHaveLength(5000);
    });

    it('end at as many unreleased messages as the client may have', async () => {
      await using world = new MqttWorld({ limits: UNPACED });
      const bystander = await Bystander.in(world);
      const client = await world.client('d1', OPTIONS);
      const begun = repeated(20_000, (index) => publishOf('a', 'x', { qos: 2, packetId: index + 1 }));
      await flood({ world, client }, begun, () => bystander.isServed());
      expect(client.ended).toBe(true);
      const limit = level === 5 ? 'maxReceiving' : 'maxUnreleased';
      expect(world.server.counters.violations).toEqual({ [limit]: 1 });
      expect(world.disconnected).toMatchObject([{ reason: 'CLIENT_ERROR', limit }]);
      if (level === 5) expect(client.inbox.at(-1)).toMatchObject({ type: 'disconnect', reasonCode: 0x93 });
    });
  },
);

describe('games with topic aliases', () => {
  it('that change what each stands for all the time cost nothing but their messages', async () => {
    await using world = new MqttWorld({ limits: UNPACED });
    const bystander = await Bystander.in(world);
    const client = await world.client('d1', FIVE);
    const moves = repeated(10_000, (index) => {
      const topicAlias = ((index >> 1) % 16) + 1;
      return publishOf(index % 2 ? '' : `t/${index}`, 'x', { properties: { topicAlias } });
    });
    await flood({ world, client }, moves, () => bystander.isServed());
    const topics = world.received.filter(({ from }) => from === 'd1').map(({ topic }) => topic);
    expect(topics).toHaveLength(10_000);
    expect(topics.every((topic, index) => topic === `t/${index - (index % 2)}`)).toBe(true);
  });

  it.each([
    [0, 'a', 0x94, {}],
    [17, 'a', 0x94, { maxTopicAliases: 1 }],
    [65_535, 'a', 0x94, { maxTopicAliases: 1 }],
    [16, '', 0x82, {}],
  ])('alias %i for %j is the end, with its reason', async (topicAlias, topic, reasonCode, violations) => {
    await using world = new MqttWorld();
    const bystander = await Bystander.in(world);
    const client = await world.client('d1', FIVE);
    client.publish(topic, 'x', { properties: { topicAlias } });
    expect(await client.nextOf('disconnect')).toMatchObject({ reasonCode });
    expect(world.server.counters.violations).toEqual(violations);
    await bystander.isServed();
  });

  it('a client that takes 65,535 of them is given no more than the limit', async () => {
    await using world = new MqttWorld();
    const properties = { sessionExpiryInterval: 60, topicAliasMaximum: 65_535 };
    const client = await world.subscriber('d1', ['t/+'], { ...FIVE, properties });
    for (let index = 0; index < 1000; index += 1) world.server.publish(`t/${index}`, 'x');
    await world.settle();
    const aliases = new Set<number | undefined>();
    for (const packet of client.inbox)
      if (packet.type === 'publish') aliases.add(packet.properties?.topicAlias);
    expect(client.inbox).toHaveLength(1000);
    expect([...aliases].filter((alias) => alias !== undefined)).toHaveLength(16);
  });
});

describe('a storm of wills', () => {
  const will = { topic: 'bye', payload: Buffer.from('gone'), qos: 1 as const, retain: true };

  it('reaches who asked for them, and leaves one retained message', async () => {
    await using world = new MqttWorld();
    const bystander = await Bystander.in(world);
    const listener = await world.subscriber('listener', ['bye']);
    const clients: ScriptedClient[] = [];
    for (let index = 0; index < 300; index += 1)
      clients.push(await world.client(`d${index}`, { will, cleanSession: true }));
    for (const client of clients) client.vanish();
    await bystander.isServed();
    for (let heard = 0; heard < 300; ) {
      await world.settle();
      const messages = listener.inbox.splice(0).filter((packet) => packet.type === 'publish');
      expect(messages.length).toBeGreaterThan(0);
      listener.send(...messages.map(({ packetId }): Packet => ({ type: 'puback', packetId })));
      heard += messages.length;
    }
    await world.settle();
    expect(world.received.filter(({ topic }) => topic === 'bye')).toHaveLength(300);
    expect(world.server.counters).toMatchObject({ connections: 2, retainedMessages: 1, queuedBytes: 0 });
  });

  it('that are delayed keeps one timer for each session, and tells none of a client that comes back', async () => {
    await using world = new MqttWorld();
    const bystander = await Bystander.in(world);
    const delayed = { ...will, properties: { willDelayInterval: 30 } };
    const timers = world.clock.pending;
    for (let time = 0; time < 200; time += 1) {
      (await world.client('d1', { ...FIVE, will: delayed })).vanish();
      await world.settle();
      // The delay, and the expiry of the session.
      expect(world.clock.pending).toBe(timers + 2);
    }
    await bystander.isServed();
    expect(world.received.filter(({ topic }) => topic === 'bye')).toEqual([]);
    await world.clock.advance(60_000);
    expect(world.received.filter(({ topic }) => topic === 'bye')).toHaveLength(1);
    expect(world.server.counters).toMatchObject({ sessions: 1, retainedMessages: 1 });
  });
});
