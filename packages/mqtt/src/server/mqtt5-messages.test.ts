import { describe, expect, it } from 'vitest';
import { MqttWorld } from '../../test/mqtt-world.ts';
import type { SubscriptionRequest } from '../codec/packets.ts';
import type { Properties } from '../codec/properties.ts';

const five = (properties?: Properties) => ({ protocolLevel: 5 as const, properties });

async function subscriber(
  world: MqttWorld,
  clientId: string,
  subscriptions: SubscriptionRequest[],
  options: { connect?: Properties; subscribe?: Properties } = {},
) {
  const client = await world.client(clientId, five(options.connect));
  client.send({ type: 'subscribe', packetId: 1, subscriptions, properties: options.subscribe });
  await client.nextOf('suback');
  return client;
}

describe('the properties of a message', () => {
  it('go unchanged to its subscribers, and to the embedder [MQTT5-3.3.2-17]', async () => {
    await using world = new MqttWorld();
    const properties: Properties = {
      payloadFormatIndicator: 1,
      contentType: 'text/plain',
      responseTopic: 'replies/d1',
      correlationData: Buffer.from([1, 2]),
      userProperties: [
        ['a', '1'],
        ['a', '2'],
      ],
    };
    const client = await subscriber(world, 'd1', [{ filter: 'a', qos: 0 }]);
    const old = await world.subscriber('old', ['a']);
    client.publish('a', 'x', { properties });
    expect((await client.nextPublish()).properties).toEqual(properties);
    expect((await old.nextPublish()).properties).toBeUndefined();
    expect(world.received).toMatchObject([{ properties }]);
  });

  it('topic aliases of the client stand for their topics [MQTT5-3.3.2-12]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', five());
    client.publish('a/long/topic', '1', { properties: { topicAlias: 3 } });
    client.publish('', '2', { properties: { topicAlias: 3 } });
    client.publish('b', '3', { properties: { topicAlias: 3 } });
    client.publish('', '4', { properties: { topicAlias: 3 } });
    await world.settle();
    expect(world.received.map(({ topic }) => topic)).toEqual(['a/long/topic', 'a/long/topic', 'b', 'b']);
  });

  it.each([
    ['0 [MQTT5-3.3.2-8]', 0, 0x94],
    ['beyond the maximum [MQTT5-3.3.2-9]', 17, 0x94],
    ['that stands for nothing', 1, 0x82],
  ])('a topic alias %s ends the connection', async (_, topicAlias, reasonCode) => {
    await using world = new MqttWorld();
    const client = await world.client('d1', five());
    client.publish('', 'x', { properties: { topicAlias } });
    expect(await client.next()).toMatchObject({ type: 'disconnect', reasonCode });
  });

  it('topics are sent as aliases, as many as the client takes [MQTT5-3.1.2-26]', async () => {
    await using world = new MqttWorld();
    const filters = [{ filter: '#', qos: 0 as const }];
    const client = await subscriber(world, 'd1', filters, { connect: { topicAliasMaximum: 1 } });
    for (const topic of ['a', 'b', 'a']) world.server.publish(topic, 'x');
    expect(await client.nextPublish()).toMatchObject({ topic: 'a', properties: { topicAlias: 1 } });
    const second = await client.nextPublish();
    expect(second).toMatchObject({ topic: 'b' });
    expect(second.properties).toBeUndefined();
    expect(await client.nextPublish()).toMatchObject({ topic: '', properties: { topicAlias: 1 } });
  });

  it('what is left of the expiry is told, and what has expired is not sent [MQTT5-3.3.2-5] [MQTT5-3.3.2-6]', async () => {
    await using world = new MqttWorld();
    const lasting = five({ sessionExpiryInterval: 1000 });
    const client = await world.subscriber('d1', ['a'], lasting);
    client.vanish();
    await world.settle();
    const sender = await world.client('d2', five());
    for (const [text, messageExpiryInterval] of [
      ['soon', 5],
      ['later', 100],
    ] as const) {
      sender.publish('a', text, { properties: { messageExpiryInterval } });
      sender.publish('a', text, { qos: 1, packetId: 1, properties: { messageExpiryInterval } });
      await sender.nextOf('puback');
    }
    await world.clock.advance(30_000);
    const again = await world.client('d1', { ...lasting, cleanSession: false });
    const message = await again.nextPublish();
    expect(message).toMatchObject({
      payload: Buffer.from('later'),
      properties: { messageExpiryInterval: 70 },
    });
    await world.settle();
    expect(again.inbox).toEqual([]);
    expect(world.server.counters.messagesDropped).toBe(1);
  });

  it('a message that waits too long is dropped and counted', async () => {
    await using world = new MqttWorld({ limits: { maxQueuedAge: 10_000 } });
    const keep = { cleanSession: false };
    const client = await world.subscriber('d1', ['a'], keep);
    client.vanish();
    await world.settle();
    const outcome = world.server.deliver('d1', 'a', 'old');
    await world.clock.advance(10_001);
    world.server.deliver('d1', 'a', 'new');
    expect(await outcome).toBe('dropped');
    const again = await world.client('d1', keep);
    expect((await again.nextPublish()).payload.toString()).toBe('new');
    expect(world.server.counters.violations).toEqual({ maxQueuedAge: 1 });
  });

  it('larger than the client takes is dropped as if it were sent [MQTT5-3.1.2-24] [MQTT5-3.1.2-25]', async () => {
    await using world = new MqttWorld();
    const filters = [{ filter: 'a', qos: 1 as const }];
    const client = await subscriber(world, 'd1', filters, { connect: { maximumPacketSize: 50 } });
    const outcome = world.server.deliver('d1', 'a', 'x'.repeat(60));
    expect(await outcome).toBe('dropped');
    world.server.publish('a', 'small', { qos: 1 });
    expect((await client.nextPublish()).payload.toString()).toBe('small');
  });

  it('no more are in flight than the client takes [MQTT5-3.3.4-9]', async () => {
    await using world = new MqttWorld();
    const filters = [{ filter: 'a', qos: 1 as const }];
    const client = await subscriber(world, 'd1', filters, { connect: { receiveMaximum: 2 } });
    for (const text of ['1', '2', '3']) world.server.publish('a', text, { qos: 1 });
    await world.settle();
    expect(client.inbox).toHaveLength(2);
    client.ack((await client.nextPublish()).packetId);
    await client.nextPublish();
    expect((await client.nextPublish()).payload.toString()).toBe('3');
  });
});

describe('a PUBLISH that is not accepted', () => {
  it.each([
    ['by policy', 'no', 'x', 0x87],
    ['for its topic', 'x'.repeat(300), 'x', 0x90],
    ['for its size', 'a', 'x'.repeat(200), 0x97],
  ])(
    '%s is told so with QoS 1 and 2, and the connection goes on [MQTT5-4.3.2-4]',
    async (_, topic, text, code) => {
      await using world = new MqttWorld({
        limits: { maxPayloadSize: 100 },
        hooks: { mayPublish: (_, name) => name !== 'no' },
      });
      const client = await world.client('d1', five());
      client.publish(topic, text, { qos: 1, packetId: 1 });
      client.publish(topic, text, { qos: 2, packetId: 2 });
      client.publish('a', 'fine', { qos: 1, packetId: 3 });
      const refusal = await client.nextOf('puback');
      expect(refusal).toMatchObject({ packetId: 1, reasonCode: code });
      expect(refusal.properties?.reasonString).toBeTruthy();
      expect(await client.nextOf('pubrec')).toMatchObject({ packetId: 2, reasonCode: code });
      expect(await client.nextOf('puback')).toMatchObject({ packetId: 3, reasonCode: 0 });
      expect(world.received).toHaveLength(1);
    },
  );

  it('with QoS 0 ends the connection with the reason', async () => {
    await using world = new MqttWorld({ hooks: { mayPublish: () => false } });
    const client = await world.client('d1', five());
    client.publish('a', 'x');
    expect(await client.next()).toMatchObject({ type: 'disconnect', reasonCode: 0x87 });
    await client.end();
  });

  it('says no text to a client that wants none [MQTT5-3.1.2-29]', async () => {
    await using world = new MqttWorld({ hooks: { mayPublish: () => false } });
    const client = await world.client('d1', five({ requestProblemInformation: 0 }));
    client.publish('a', 'x', { qos: 1, packetId: 1 });
    expect(await client.next()).toEqual({ type: 'puback', packetId: 1, reasonCode: 0x87 });
  });

  it('with a subscription identifier ends the connection [MQTT5-3.3.4-6]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', five());
    client.publish('a', 'x', { properties: { subscriptionIdentifiers: [1] } });
    expect(await client.next()).toMatchObject({ type: 'disconnect', reasonCode: 0x82 });
  });
});
