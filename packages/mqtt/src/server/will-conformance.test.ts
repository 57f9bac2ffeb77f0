import { describe, expect, it } from 'vitest';
import { MqttWorld } from '../../test/mqtt-world.ts';
import type { ScriptedClient } from '../../test/scripted-client.ts';

const WILL = { topic: 'wills/d1', payload: Buffer.from('gone'), qos: 1 as const, retain: false };
const BOTH: [4 | 5][] = [[4], [5]];

describe.each(BOTH)('a will at level %i', (protocolLevel) => {
  it.each<[string, (world: MqttWorld, client: ScriptedClient) => unknown]>([
    ['the stream breaks', (_, client) => client.vanish()],
    ['the client ends the stream', (_, client) => client.stream.end()],
    ['the client is silent', (world) => world.clock.advance(90_000)],
    ['the client sends what is no packet', (_, client) => client.sendBytes([0xc1, 0])],
    ['the client publishes what it may not', (_, client) => client.publish('secret', 'x')],
    ['another connection takes over', (world) => world.client('d1', { protocolLevel })],
    ['the server ends the session', (world) => world.server.dropSession('d1')],
  ])('is published when %s [MQTT-3.1.2-8] [MQTT5-3.1.2-7] [MQTT5-3.1.2-8]', async (_, act) => {
    await using world = new MqttWorld({ hooks: { mayPublish: (_principal, topic) => topic !== 'secret' } });
    const watcher = await world.subscriber('w', ['wills/#'], { keepAlive: 1000 });
    const client = await world.client('d1', { protocolLevel, will: WILL });
    await act(world, client);
    expect(await watcher.nextPublish()).toMatchObject({ topic: 'wills/d1', payload: WILL.payload, qos: 1 });
    await world.settle();
    expect(watcher.inbox).toEqual([]);
  });

  it('is published once, not for the next connection [MQTT-3.1.2-10] [MQTT5-3.1.2-10]', async () => {
    await using world = new MqttWorld();
    const session = { protocolLevel, cleanSession: false, properties: { sessionExpiryInterval: 1000 } };
    const client = await world.client('d1', { ...session, will: WILL });
    client.vanish();
    await world.settle();
    const again = await world.client('d1', session);
    again.vanish();
    await world.settle();
    await world.clock.advance(4_000_000);
    expect(world.received).toHaveLength(1);
  });

  it('that nobody left is not published [MQTT-3.1.2-12]', async () => {
    await using world = new MqttWorld();
    const watcher = await world.subscriber('w', ['#']);
    const client = await world.client('d1', { protocolLevel });
    client.vanish();
    await world.settle();
    expect([watcher.inbox, world.received]).toEqual([[], []]);
  });

  it.each([
    ['is not retained [MQTT-3.1.2-16] [MQTT5-3.1.2-14]', false, 0],
    ['is retained when it asks for it [MQTT-3.1.2-17] [MQTT5-3.1.2-15]', true, 1],
  ])('%s', async (_, retain, count) => {
    await using world = new MqttWorld();
    const watcher = await world.subscriber('w', ['wills/#']);
    const client = await world.client('d1', { protocolLevel, will: { ...WILL, retain } });
    client.vanish();
    expect(await watcher.nextPublish()).toMatchObject({ retain: false });
    const late = await world.subscriber('late', ['wills/#']);
    await world.settle();
    expect(late.inbox).toHaveLength(count);
    expect(world.server.counters.retainedMessages).toBe(count);
  });

  it('has the QoS that it was left with, also 2 [MQTT-3.1.2-9] [MQTT5-3.1.2-12]', async () => {
    await using world = new MqttWorld();
    const watcher = await world.client('w');
    watcher.subscribe(1, ['wills/#', 2]);
    await watcher.next();
    for (const qos of [0, 1, 2] as const) {
      const client = await world.client('d1', { protocolLevel, will: { ...WILL, qos } });
      client.vanish();
      expect((await watcher.nextPublish()).qos).toBe(qos);
    }
  });
});

it('a will has its user properties in the order that they were given [MQTT5-3.1.3-10]', async () => {
  await using world = new MqttWorld();
  const watcher = await world.subscriber('w', ['wills/#'], { protocolLevel: 5 });
  const userProperties: [string, string][] = [
    ['b', '1'],
    ['a', '2'],
    ['b', '3'],
    ['a', '0'],
  ];
  const will = { ...WILL, properties: { userProperties } };
  const client = await world.client('d1', { protocolLevel: 5, will });
  client.vanish();
  expect((await watcher.nextPublish()).properties).toEqual({ userProperties });
});
