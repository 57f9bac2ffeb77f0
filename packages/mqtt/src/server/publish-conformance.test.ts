import { describe, expect, it } from 'vitest';
import { MqttWorld } from '../../test/mqtt-world.ts';
import type { ScriptedClient } from '../../test/scripted-client.ts';
import type { Properties } from '../codec/properties.ts';
import { buildPublish } from '../codec/publish.ts';

const five = (properties?: Properties) => ({ protocolLevel: 5 as const, properties });
const BOTH: [4 | 5][] = [[4], [5]];

/** What a client was sent, as `TOPIC=PAYLOAD`. */
async function messages(world: MqttWorld, client: ScriptedClient): Promise<string[]> {
  await world.settle();
  return client.inbox
    .splice(0)
    .flatMap((each) => (each.type === 'publish' ? [`${each.topic}=${each.payload}`] : []));
}

/** What somebody who subscribes now is sent. */
async function retained(world: MqttWorld, filter = '#'): Promise<string[]> {
  return messages(world, await world.subscriber('late', [filter]));
}

describe.each(BOTH)('PUBLISH at level %i', (protocolLevel) => {
  it('is answered as its QoS asks for [MQTT-3.3.4-1] [MQTT5-3.3.4-1]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', { protocolLevel });
    client.publish('a', '0');
    client.publish('a', '1', { qos: 1, packetId: 7 });
    client.publish('a', '2', { qos: 2, packetId: 9 });
    await world.settle();
    expect(client.inbox).toMatchObject([
      { type: 'puback', packetId: 7 },
      { type: 'pubrec', packetId: 9 },
    ]);
    expect([client.inbox.length, world.received.length]).toEqual([2, 3]);
  });

  it('with DUP goes to subscribers without [MQTT-3.3.1-3] [MQTT5-3.3.1-3]', async () => {
    await using world = new MqttWorld();
    const watcher = await world.client('w', { protocolLevel });
    watcher.subscribe(1, ['a', 2]);
    await watcher.next();
    const client = await world.client('d1', { protocolLevel });
    client.publish('a', '1', { qos: 1, packetId: 1, dup: true });
    client.publish('a', '2', { qos: 2, packetId: 2, dup: true });
    expect(await watcher.nextPublish()).toMatchObject({ qos: 1, dup: false });
    expect(await watcher.nextPublish()).toMatchObject({ qos: 2, dup: false });
    expect(world.received.map(({ dup }) => dup)).toEqual([true, true]);
  });

  it('of many messages comes to every subscriber in their order [MQTT-4.6.0-5] [MQTT-4.6.0-6] [MQTT5-4.6.0-5] [MQTT5-4.6.0-6]', async () => {
    await using world = new MqttWorld({ limits: { maxPublishRate: 1000 } });
    const watcher = await world.subscriber('w', ['a/#'], { protocolLevel });
    const client = await world.client('d1', { protocolLevel });
    const texts = Array.from({ length: 300 }, (_, index) => String(index));
    for (const [index, text] of texts.entries()) client.publish('a/b', text, { qos: 1, packetId: index + 1 });
    const seen: string[] = [];
    while (seen.length < texts.length) {
      const { packetId, payload } = await watcher.nextPublish();
      seen.push(payload.toString());
      watcher.ack(packetId);
    }
    expect(seen).toEqual(texts);
  });

  it('goes to exactly the topic that it names, letter by letter [MQTT-4.7.3-4] [MQTT5-4.7.3-4]', async () => {
    await using world = new MqttWorld();
    // Two ways to write é, a leading byte order mark, case, empty levels, spaces.
    const topics = ['caf\u00e9', 'cafe\u0301', '\ufeffa', 'a', 'A', 'a/', '/a', 'a//b', 'a/b', 'a ', 'a%2Fb'];
    const client = await world.client('d1', { protocolLevel });
    const watchers = await Promise.all(
      topics.map((topic, index) => world.subscriber(`w${index}`, [topic], { protocolLevel })),
    );
    for (const topic of topics) client.publish(topic, 'x');
    for (const [index, topic] of topics.entries()) {
      const watcher = watchers[index] as ScriptedClient;
      expect(await messages(world, watcher)).toEqual([`${topic}=x`]);
    }
  });

  it('on a topic with $ matches no wildcard at its first level [MQTT-4.7.2-1] [MQTT5-4.7.2-1]', async () => {
    await using world = new MqttWorld();
    const filters = ['#', '+/a', '+/#', '$SYS/a', '$SYS/+'];
    const taken: number[] = [];
    for (const filter of filters) {
      const client = await world.subscriber('d1', [filter], { protocolLevel });
      taken.push(world.server.publish('$SYS/a', 'x'));
      client.vanish();
      await world.settle();
    }
    expect(taken).toEqual([0, 0, 0, 1, 1]);
  });
});

describe.each(BOTH)('a retained message at level %i', (protocolLevel) => {
  it('is replaced by the next, of QoS 0, too [MQTT-3.3.1-5] [MQTT-3.3.1-7] [MQTT5-3.3.1-5]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', { protocolLevel });
    client.publish('a', 'first', { qos: 1, packetId: 1, retain: true });
    client.publish('b', 'other', { qos: 1, packetId: 2, retain: true });
    client.publish('a', 'second', { qos: 0, retain: true });
    await world.settle();
    expect(await retained(world)).toEqual(['a=second', 'b=other']);
  });

  it('stays when one comes that is not to be retained [MQTT-3.3.1-12] [MQTT5-3.3.1-8]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', { protocolLevel });
    client.publish('a', 'kept', { retain: true });
    client.publish('a', 'passing');
    client.publish('a', '');
    await world.settle();
    expect(await retained(world)).toEqual(['a=kept']);
  });

  it('goes when an empty one comes, which subscribers get and nobody later [MQTT-3.3.1-10] [MQTT-3.3.1-11] [MQTT5-3.3.1-6] [MQTT5-3.3.1-7]', async () => {
    await using world = new MqttWorld();
    const watcher = await world.subscriber('w', ['a']);
    const client = await world.client('d1', { protocolLevel });
    client.publish('a', 'kept', { retain: true });
    client.publish('a', '', { retain: true });
    expect(await messages(world, watcher)).toEqual(['a=kept', 'a=']);
    expect(await retained(world)).toEqual([]);
    expect(world.server.counters.retainedMessages).toBe(0);
  });

  it('is no part of the session that it came from [MQTT-3.1.2-7]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', { protocolLevel });
    client.publish('a', 'kept', { retain: true });
    client.vanish();
    await world.settle();
    expect(world.server.counters.sessions).toBe(0);
    expect(await retained(world)).toEqual(['a=kept']);
  });

  it('comes for every topic that the filter matches, each with the flag [MQTT-3.3.1-6] [MQTT-3.3.1-8] [MQTT5-3.3.1-9]', async () => {
    await using world = new MqttWorld();
    for (const topic of ['a', 'a/b', 'a/c/d', 'b']) world.server.publish(topic, 'x', { retain: true });
    const client = await world.subscriber('d1', ['a/#'], { protocolLevel });
    await world.settle();
    expect(client.inbox.map((each) => each.type === 'publish' && [each.topic, each.retain])).toEqual([
      ['a', true],
      ['a/b', true],
      ['a/c/d', true],
    ]);
  });
});

describe('topic aliases', () => {
  it('of a client may be any up to the maximum that it was told [MQTT5-3.3.2-12]', async () => {
    await using world = new MqttWorld();
    const client = world.open();
    const { properties } = await client.connect(five());
    const aliases = Array.from({ length: properties?.topicAliasMaximum ?? 0 }, (_, index) => index + 1);
    for (const topicAlias of aliases) client.publish(`t/${topicAlias}`, 'x', { properties: { topicAlias } });
    for (const topicAlias of aliases) client.publish('', 'y', { properties: { topicAlias } });
    client.send({ type: 'pingreq' });
    await client.nextOf('pingresp');
    const topics = aliases.map((topicAlias) => `t/${topicAlias}`);
    expect(world.received.map(({ topic }) => topic)).toEqual([...topics, ...topics]);
  });

  it('end with their connection, in both directions [MQTT5-3.3.2-7]', async () => {
    await using world = new MqttWorld();
    const connect = five({ sessionExpiryInterval: 1000, topicAliasMaximum: 5 });
    const client = await world.subscriber('d1', ['a'], connect);
    client.publish('b', 'x', { properties: { topicAlias: 1 } });
    world.server.publish('a', 'x');
    expect(await client.nextPublish()).toMatchObject({ topic: 'a', properties: { topicAlias: 1 } });
    client.vanish();
    const again = await world.client('d1', { ...connect, cleanSession: false });
    world.server.publish('a', 'x');
    expect(await again.nextPublish()).toMatchObject({ topic: 'a', properties: { topicAlias: 1 } });
    again.publish('', 'y', { properties: { topicAlias: 1 } });
    expect(await again.next()).toMatchObject({ type: 'disconnect', reasonCode: 0x82 });
    expect(world.received).toHaveLength(1);
  });

  it('are not sent to a client that takes none [MQTT5-3.1.2-27]', async () => {
    await using world = new MqttWorld();
    for (const [index, properties] of [undefined, { topicAliasMaximum: 0 }].entries()) {
      const client = await world.subscriber(`d${index}`, ['a'], five(properties));
      for (let count = 0; count < 2; count += 1) {
        world.server.publish('a', 'x');
        expect(await client.nextPublish()).toMatchObject({ topic: 'a', properties: undefined });
      }
    }
  });

  it('are never greater than the client takes [MQTT5-3.1.2-26] [MQTT5-3.3.2-11]', async () => {
    await using world = new MqttWorld();
    const client = await world.subscriber('d1', ['#'], five({ topicAliasMaximum: 3 }));
    for (let round = 0; round < 2; round += 1) {
      for (let index = 0; index < 10; index += 1) world.server.publish(`t/${index}`, 'x');
    }
    await world.settle();
    const aliases = client.inbox.map((each) => each.type === 'publish' && each.properties?.topicAlias);
    expect(new Set(aliases)).toEqual(new Set([1, 2, 3, undefined]));
  });

  it('make no packet larger than the client takes, and lose none that fits without [MQTT5-3.1.2-24] [MQTT5-3.1.2-25]', async () => {
    // About where an alias also lengthens the length of the properties, and that of the packet.
    for (let size = 112; size <= 126; size += 1) {
      const properties = { contentType: 'x'.repeat(size) };
      const packet = { topic: 'a', payload: Buffer.alloc(0), qos: 0 as const, dup: false, retain: false };
      const plain = buildPublish({ ...packet, packetId: 0, properties }, 5).length;
      for (let more = -1; more <= 6; more += 1) {
        await using world = new MqttWorld();
        const maximumPacketSize = plain + more;
        const connect = five({ topicAliasMaximum: 5, maximumPacketSize });
        const client = await world.subscriber('d1', ['a'], connect);
        let bytes = 0;
        client.stream.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
        world.server.publish('a', '', { properties });
        await world.settle();
        const facts = [bytes <= maximumPacketSize, client.inbox.length];
        expect([size, more, ...facts]).toEqual([size, more, true, more < 0 ? 0 : 1]);
      }
    }
  });
});

it('a topic of more bytes than a length can tell is refused to the embedder [MQTT-4.7.3-3] [MQTT5-4.7.3-3]', async () => {
  await using world = new MqttWorld();
  expect(() => world.server.publish('é'.repeat(32_768), 'x')).toThrow(/65536|maxPayloadSize/);
  expect(world.server.publish('é'.repeat(32_767), 'x')).toBe(0);
});
