import { describe, expect, it } from 'vitest';
import { MqttWorld } from '../../test/mqtt-world.ts';
import type { ScriptedClient } from '../../test/scripted-client.ts';
import type { SubscriptionRequest } from '../codec/packets.ts';
import type { Properties } from '../codec/properties.ts';

const FIVE = { protocolLevel: 5 as const };
const FIRST = { packetId: 1 };

function subscribe(client: ScriptedClient, subscriptions: SubscriptionRequest[], properties?: Properties) {
  client.send({ type: 'subscribe', ...FIRST, subscriptions, properties });
  return client.nextOf('suback');
}

async function payloads(world: MqttWorld, client: ScriptedClient): Promise<string[]> {
  await world.settle();
  return client.inbox.splice(0).flatMap((each) => (each.type === 'publish' ? [each.payload.toString()] : []));
}

describe('subscription options', () => {
  it('no local: a client does not hear itself, through other subscriptions it does [MQTT5-3.8.3-3]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', FIVE);
    const other = await world.client('d2', FIVE);
    await subscribe(client, [{ filter: 'a', qos: 0, noLocal: true }]);
    client.publish('a', 'mine');
    other.publish('a', 'theirs');
    expect(await payloads(world, client)).toEqual(['theirs']);
    await subscribe(client, [{ filter: '+', qos: 0 }]);
    client.publish('a', 'mine');
    expect(await payloads(world, client)).toEqual(['mine']);
  });

  it('retain as published keeps the flag [MQTT5-3.3.1-13], otherwise it is cleared [MQTT5-3.3.1-12]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', FIVE);
    await subscribe(client, [
      { filter: 'a', qos: 0, retainAsPublished: true },
      { filter: 'b', qos: 0 },
    ]);
    for (const topic of ['a', 'b']) world.server.publish(topic, 'x', { retain: true });
    expect(await client.nextPublish()).toMatchObject({ topic: 'a', retain: true });
    expect(await client.nextPublish()).toMatchObject({ topic: 'b', retain: false });
  });

  it('retain handling: always, for a new subscription, never [MQTT5-3.3.1-9] [MQTT5-3.3.1-10] [MQTT5-3.3.1-11]', async () => {
    await using world = new MqttWorld();
    world.server.publish('a', 'kept', { retain: true });
    const client = await world.client('d1', FIVE);
    const counts: number[] = [];
    for (const retainHandling of [2, 1, 1, 0, 0] as const) {
      await subscribe(client, [{ filter: counts.length < 1 ? '+' : 'a', qos: 0, retainHandling }]);
      counts.push((await payloads(world, client)).length);
    }
    expect(counts).toEqual([0, 1, 0, 1, 1]);
  });

  it('subscription identifiers come with what they let in, every one of them [MQTT5-3.3.4-3] [MQTT5-3.3.4-4]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', FIVE);
    await subscribe(client, [{ filter: 'a/+', qos: 0 }], { subscriptionIdentifiers: [7] });
    await subscribe(client, [{ filter: 'a/#', qos: 0 }], { subscriptionIdentifiers: [300] });
    world.server.publish('a/b', 'x');
    const { properties } = await client.nextPublish();
    expect([...(properties?.subscriptionIdentifiers ?? [])].sort()).toEqual([300, 7]);
    // A new subscription replaces the old one with its identifier (3.8.4).
    await subscribe(client, [{ filter: 'a/+', qos: 0 }], { subscriptionIdentifiers: [8] });
    await subscribe(client, [{ filter: 'a/#', qos: 0 }]);
    world.server.publish('a/b', 'x');
    expect((await client.nextPublish()).properties).toEqual({ subscriptionIdentifiers: [8] });
  });

  it('each refusal has its reason code and is named in the text', async () => {
    await using world = new MqttWorld({
      limits: { maxSubscriptions: 1 },
      hooks: { maySubscribe: (_, filter) => filter !== 'no' },
    });
    const client = await world.client('d1', FIVE);
    const suback = await subscribe(client, [
      { filter: 'no', qos: 1 },
      { filter: 'a', qos: 1 },
      { filter: 'b', qos: 1 },
    ]);
    expect(suback.returnCodes).toEqual([0x87, 1, 0x97]);
    expect(suback.properties?.reasonString).toMatch(/no: .*; b: beyond maxSubscriptions, which is 1/);
  });

  it('UNSUBACK says of each filter whether there was one [MQTT5-3.11.3-1]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', FIVE);
    await subscribe(client, [{ filter: 'a', qos: 0 }]);
    client.send({ type: 'unsubscribe', packetId: 2, filters: ['a', 'b'] });
    expect(await client.next()).toEqual({ type: 'unsuback', packetId: 2, reasonCodes: [0, 0x11] });
  });
});

describe('shared subscriptions', () => {
  it('each message goes to one member, in turns; 3.1.1 and 5.0 together (5.0, 4.8.2)', async () => {
    await using world = new MqttWorld();
    const members = [
      await world.subscriber('d1', ['$share/g/a/#']),
      await world.subscriber('d2', ['$share/g/a/#'], FIVE),
    ];
    const other = await world.subscriber('d3', ['a/#']);
    for (let index = 0; index < 4; index += 1) {
      expect(world.server.publish('a/b', String(index), { qos: 1 })).toBe(2);
    }
    await world.settle();
    expect(members.map(({ inbox }) => inbox.length)).toEqual([2, 2]);
    expect(other.inbox).toHaveLength(4);
  });

  it('members that are away get nothing while one is here, and keep it while none is', async () => {
    await using world = new MqttWorld();
    const keep = { cleanSession: false };
    const away = await world.subscriber('d1', ['$share/g/a'], keep);
    const here = await world.subscriber('d2', ['$share/g/a']);
    away.vanish();
    await world.settle();
    for (let index = 0; index < 3; index += 1) world.server.publish('a', 'x', { qos: 1 });
    expect(await payloads(world, here)).toHaveLength(3);
    for (const packetId of [1, 2, 3]) here.ack(packetId);
    await world.settle();
    here.vanish();
    await world.settle();
    expect(world.server.publish('a', 'kept', { qos: 1 })).toBe(1);
    const again = await world.client('d1', keep);
    expect((await again.nextPublish()).payload.toString()).toBe('kept');
  });

  it('one without room is passed over', async () => {
    await using world = new MqttWorld({ limits: { maxInFlight: 1, maxQueuedMessages: 0 } });
    const members = [
      await world.subscriber('d1', ['$share/g/a']),
      await world.subscriber('d2', ['$share/g/a']),
    ];
    members[0]?.stream.pause();
    const taken = Array.from({ length: 2 }, () => world.server.publish('a', 'x', { qos: 1 }));
    expect(taken).toEqual([1, 1]);
  });

  it('retained messages do not come with them', async () => {
    await using world = new MqttWorld();
    world.server.publish('a', 'kept', { retain: true });
    const client = await world.subscriber('d1', ['$share/g/a']);
    expect(await payloads(world, client)).toEqual([]);
  });

  it('the policy is asked for the filter and told the name', async () => {
    const asked: unknown[] = [];
    const maySubscribe = (_: unknown, filter: string, share?: string) => asked.push([filter, share]) > 0;
    await using world = new MqttWorld({ hooks: { maySubscribe } });
    await world.subscriber('d1', ['$share/g/a/#', 'b']);
    expect(asked).toEqual([
      ['a/#', 'g'],
      ['b', undefined],
    ]);
  });

  it.each([
    ['without a name [MQTT5-4.8.2-1]', { filter: '$share//a', qos: 0 as const }],
    ['with a wildcard in its name [MQTT5-4.8.2-2]', { filter: '$share/g+/a', qos: 0 as const }],
    ['without a filter', { filter: '$share/g', qos: 0 as const }],
    ['with no local [MQTT5-3.8.3-4]', { filter: '$share/g/a', qos: 0 as const, noLocal: true }],
  ])('%s end the connection', async (_, request) => {
    await using world = new MqttWorld();
    const client = await world.client('d1', FIVE);
    client.send({ type: 'subscribe', ...FIRST, subscriptions: [request] });
    expect(await client.next()).toMatchObject({ type: 'disconnect' });
    await client.end();
  });
});

describe('many retained messages', () => {
  it('all come to a subscriber with a small window and a small queue, and others are served meanwhile', async () => {
    await using world = new MqttWorld({
      limits: { maxRetainedMessages: 5000, maxInFlight: 10, maxQueuedMessages: 300 },
    });
    for (let index = 0; index < 3000; index += 1) {
      world.server.publish(`a/${index}`, String(index), { qos: 1, retain: true });
    }
    const client = await world.subscriber('d1', ['a/#']);
    const seen = new Set<string>();
    for (let index = 0; index < 3000; index += 1) {
      const { packetId, payload, retain } = await client.nextPublish();
      expect(retain).toBe(true);
      seen.add(payload.toString());
      client.ack(packetId);
    }
    expect(seen.size).toBe(3000);
    expect(world.server.counters.messagesDropped).toBe(0);
  });
});
