import { describe, expect, it } from 'vitest';
import { MqttWorld } from '../../test/mqtt-world.ts';
import type { Qos } from '../codec/packets.ts';

const FILTER = '$share/g/a';
const lasting = {
  protocolLevel: 5 as const,
  cleanSession: false,
  properties: { sessionExpiryInterval: 100 },
};

async function member(world: MqttWorld, clientId: string, qos: Qos = 2) {
  const client = await world.client(clientId, lasting);
  client.subscribe(1, [FILTER, qos]);
  await client.nextOf('suback');
  return client;
}

describe('a shared subscription', () => {
  it('begins with $share, a name and a filter [MQTT5-4.8.2-1] [MQTT5-4.8.2-2]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', lasting);
    // Only the first level makes one; what follows the name is the filter, empty levels and all.
    client.subscribe(1, ['$share/g/a/+', 0], ['$share/g//b', 0], ['x/$share/g/c', 0]);
    await client.nextOf('suback');
    const taken = ['a/1', '/b', 'b', 'c', 'x/$share/g/c'].map((topic) => world.server.publish(topic, ''));
    expect(taken).toEqual([1, 1, 0, 0, 1]);
  });

  it('gives each member the QoS that it was granted [MQTT5-4.8.2-3]', async () => {
    await using world = new MqttWorld();
    const members = [
      await member(world, 'd0', 0),
      await member(world, 'd1', 1),
      await member(world, 'd2', 2),
    ];
    for (let count = 0; count < 3; count += 1) world.server.publish('a', 'x', { qos: 2 });
    const qos = await Promise.all(members.map(async (each) => (await each.nextPublish()).qos));
    expect(qos).toEqual([0, 1, 2]);
  });

  it('brings a message of QoS 2 to its end with the member that it was begun with [MQTT5-4.8.2-4]', async () => {
    await using world = new MqttWorld();
    const first = await member(world, 'd1');
    world.server.publish('a', 'x', { qos: 2 });
    const { packetId } = await first.nextPublish();
    const second = await member(world, 'd2');
    first.vanish();
    await world.settle();
    const again = await world.client('d1', lasting);
    expect(await again.nextPublish()).toMatchObject({ packetId, dup: true, payload: Buffer.from('x') });
    await world.settle();
    expect(second.inbox).toEqual([]);
  });

  it('gives what was begun with QoS 2 to nobody else when the session ends, what was not to another [MQTT5-4.8.2-5]', async () => {
    await using world = new MqttWorld({ limits: { maxInFlight: 2 } });
    const first = await member(world, 'd1');
    const publish = (text: string, qos: Qos) => world.server.publish('a', text, { qos });
    publish('begun with 2', 2);
    publish('begun with 1', 1);
    publish('not begun', 2);
    await first.nextPublish();
    await first.nextPublish();
    const second = await member(world, 'd2');
    first.vanish();
    await world.settle();
    await world.clock.advance(50_000);
    second.send({ type: 'pingreq' });
    await second.nextOf('pingresp');
    await world.clock.advance(50_000);
    await world.settle();
    const texts = second.inbox.map((each) => each.type === 'publish' && each.payload.toString());
    expect(texts).toEqual(['begun with 1', 'not begun']);
  });

  it.each([
    [1, 'puback'],
    [2, 'pubrec'],
  ] as const)(
    'gives what a member refuses to nobody else, with QoS %i [MQTT5-4.8.2-6]',
    async (qos, type) => {
      await using world = new MqttWorld();
      const first = await member(world, 'd1');
      world.server.publish('a', 'x', { qos });
      const { packetId } = await first.nextPublish();
      const second = await member(world, 'd2');
      first.send({ type, packetId, reasonCode: 0x80 });
      await world.settle();
      world.server.dropSession('d1');
      await world.settle();
      expect(second.inbox).toEqual([]);
    },
  );

  it('beside an ordinary one brings a second copy, each with its own identifier [MQTT5-3.3.4-5]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', lasting);
    for (const [filter, identifier] of [
      ['a', 1],
      [FILTER, 2],
    ] as const) {
      const properties = { subscriptionIdentifiers: [identifier] };
      client.send({ type: 'subscribe', packetId: 1, subscriptions: [{ filter, qos: 0 }], properties });
      await client.nextOf('suback');
    }
    world.server.publish('a', 'x');
    const copies = [await client.nextPublish(), await client.nextPublish()];
    expect(copies.map(({ properties }) => properties?.subscriptionIdentifiers)).toEqual([[1], [2]]);
  });
});
