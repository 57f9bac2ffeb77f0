import { describe, expect, it } from 'vitest';
import { MqttWorld } from '../../test/mqtt-world.ts';
import type { ProtocolLevel } from '../codec/packets.ts';

const FIVE = { protocolLevel: 5 as const, cleanSession: false, properties: { sessionExpiryInterval: 60 } };

describe.each<[ProtocolLevel]>([[4], [5]])('a client of level %i that breaks its own rules', (level) => {
  const KEEP = { ...FIVE, protocolLevel: level };

  it('has a new QoS 2 message taken for the old one whose identifier it bears [MQTT-2.3.1-2] [MQTT5-2.2.1-3]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', KEEP);
    for (const text of ['old', 'new']) {
      client.publish('a', text, { qos: 2, packetId: 7 });
      expect(await client.nextOf('pubrec')).toMatchObject({ packetId: 7 });
    }
    expect(world.received.map(({ payload }) => payload.toString())).toEqual(['old']);
  });

  it('has a QoS 2 message that it sends again with another identifier taken for a new one [MQTT-2.3.1-3]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', KEEP);
    for (const packetId of [7, 8]) {
      client.publish('a', 'same', { qos: 2, packetId, dup: packetId === 8 });
      expect(await client.nextOf('pubrec')).toMatchObject({ packetId });
    }
    expect(world.received).toHaveLength(2);
  });

  it('and acknowledges nothing is sent its window, and the same again when it comes back [MQTT-4.5.0-2] [MQTT5-4.5.0-2]', async () => {
    await using world = new MqttWorld({ limits: { maxInFlight: 2 } });
    const client = await world.subscriber('d1', ['a'], KEEP);
    for (const text of ['1', '2', '3']) world.server.publish('a', text, { qos: 1 });
    await world.settle();
    const sent = client.inbox.splice(0);
    expect(sent).toMatchObject([{ payload: Buffer.from('1') }, { payload: Buffer.from('2') }]);
    client.vanish();
    await world.settle();
    const back = await world.client('d1', KEEP);
    await world.settle();
    expect(back.inbox).toEqual(sent.map((packet) => ({ ...packet, dup: true })));
  });

  it('and falls silent is closed at one and a half times its keep-alive [MQTT-3.1.2-23] [MQTT5-3.1.2-20]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', { ...KEEP, keepAlive: 60 });
    await world.clock.advance(89_999);
    expect(world.disconnected).toEqual([]);
    await world.clock.advance(1);
    await client.end();
    expect(world.disconnected).toMatchObject([{ reason: 'MQTT_KEEP_ALIVE_TIMEOUT' }]);
  });
});

describe('a client of MQTT 5 that does not keep to what it was told', () => {
  it('is closed by the keep-alive that it was told, whatever it asked for [MQTT5-3.2.2-21]', async () => {
    await using world = new MqttWorld({ limits: { maxKeepAlive: 100 } });
    const client = world.open();
    const { properties } = await client.connect({ ...FIVE, keepAlive: 1000 });
    expect(properties?.serverKeepAlive).toBe(100);
    await world.clock.advance(149_999);
    expect(client.ended).toBe(false);
    await world.clock.advance(1);
    expect(await client.nextOf('disconnect')).toMatchObject({ reasonCode: 0x8d });
    await client.end();
  });

  it('is closed for a topic alias where it was told of none [MQTT5-3.2.2-18]', async () => {
    await using world = new MqttWorld({ limits: { maxTopicAliases: 0 } });
    const client = world.open();
    const { properties } = await client.connect(FIVE);
    expect(properties?.topicAliasMaximum ?? 0).toBe(0);
    client.publish('a', 'x', { properties: { topicAlias: 1 } });
    expect(await client.nextOf('disconnect')).toMatchObject({ reasonCode: 0x94 });
    await client.end();
    expect(world.received).toEqual([]);
  });

  it.each([
    ['goes on [MQTT5-4.12.0-3]', 0x18],
    ['begins anew [MQTT5-4.12.1-1]', 0x19],
  ])('is closed for AUTH that %s with a method that nobody knows', async (_, reasonCode) => {
    await using world = new MqttWorld();
    const client = await world.client('d1', FIVE);
    client.send({ type: 'auth', reasonCode, properties: { authenticationMethod: 'other' } });
    expect(await client.nextOf('disconnect')).toMatchObject({ reasonCode: 0x82 });
    await client.end();
  });
});
