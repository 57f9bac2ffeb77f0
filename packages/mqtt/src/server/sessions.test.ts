import { describe, expect, it } from 'vitest';
import { MqttWorld } from '../../test/mqtt-world.ts';

const KEEP = { cleanSession: false };

describe('a persistent session', () => {
  it('keeps subscriptions and QoS 1 messages while its client is away [MQTT-3.1.2-4]', async () => {
    await using world = new MqttWorld();
    const client = await world.subscriber('d1', ['a'], KEEP);
    client.send({ type: 'disconnect' });
    await client.end();
    expect(world.server.publish('a', '1', { qos: 1 })).toBe(1);
    expect(world.server.publish('a', 'lost', { qos: 0 })).toBe(0);
    expect(world.server.publish('a', '2', { qos: 1 })).toBe(1);
    const again = world.open();
    expect(await again.connect({ clientId: 'd1', ...KEEP })).toMatchObject({ sessionPresent: true });
    expect(await again.nextPublish()).toMatchObject({ payload: Buffer.from('1'), dup: false });
    expect(await again.nextPublish()).toMatchObject({ payload: Buffer.from('2'), dup: false });
    expect(world.connected.map(({ sessionPresent }) => sessionPresent)).toEqual([false, true]);
  });

  it('redelivers with DUP and the same identifier what was not acknowledged [MQTT-4.4.0-1]', async () => {
    await using world = new MqttWorld();
    const client = await world.subscriber('d1', ['a'], KEEP);
    for (const text of ['1', '2', '3']) world.server.publish('a', text, { qos: 1 });
    const [first, second, third] = [
      await client.nextPublish(),
      await client.nextPublish(),
      await client.nextPublish(),
    ];
    client.ack(second.packetId);
    await world.settle();
    client.vanish();
    const again = await world.client('d1', KEEP);
    expect(await again.nextPublish()).toEqual({ ...first, dup: true });
    expect(await again.nextPublish()).toEqual({ ...third, dup: true });
  });

  it('is taken over with its messages by a second connection', async () => {
    await using world = new MqttWorld();
    const client = await world.subscriber('d1', ['a'], KEEP);
    const outcome = world.server.deliver('d1', 'a', 'x');
    await client.nextPublish();
    const second = await world.client('d1', KEEP);
    const message = await second.nextPublish();
    expect(message.dup).toBe(true);
    second.ack(message.packetId);
    expect(await outcome).toBe('acknowledged');
  });

  it('ends after its expiry, subscriptions and all', async () => {
    await using world = new MqttWorld();
    const client = await world.subscriber('d1', ['a'], KEEP);
    client.vanish();
    await world.settle();
    await world.clock.advance(3_599_999);
    expect(world.server.publish('a', 'x', { qos: 1 })).toBe(1);
    await world.clock.advance(1);
    expect(world.server.publish('a', 'x', { qos: 1 })).toBe(0);
    expect(world.server.counters).toMatchObject({ sessions: 0, messagesDropped: 1 });
  });

  it('does not expire while its client is back', async () => {
    await using world = new MqttWorld();
    const client = await world.subscriber('d1', ['a'], KEEP);
    client.vanish();
    await world.settle();
    const again = await world.client('d1', { ...KEEP, keepAlive: 1200 });
    for (let half = 0; half < 4; half += 1) {
      await world.clock.advance(1_000_000);
      again.send({ type: 'pingreq' });
      await again.next();
    }
    expect(world.server.publish('a', 'x', { qos: 1 })).toBe(1);
  });

  it('is discarded by a clean session [MQTT-3.1.2-6]', async () => {
    await using world = new MqttWorld();
    const client = await world.subscriber('d1', ['a'], KEEP);
    client.vanish();
    await world.settle();
    world.server.publish('a', 'x', { qos: 1 });
    const clean = world.open();
    expect(await clean.connect({ clientId: 'd1', cleanSession: true })).toMatchObject({
      sessionPresent: false,
    });
    await world.settle();
    expect(clean.inbox).toEqual([]);
    clean.vanish();
    await world.settle();
    expect(world.server.counters.sessions).toBe(0);
  });

  it('of another owner is never resumed', async () => {
    let owner = 'account-1';
    await using world = new MqttWorld({ hooks: { sessionOwner: () => owner } });
    const client = await world.subscriber('d1', ['a'], KEEP);
    client.vanish();
    await world.settle();
    world.server.publish('a', 'for account 1', { qos: 1 });
    owner = 'account-2';
    const next = world.open();
    expect(await next.connect({ clientId: 'd1', ...KEEP })).toMatchObject({ sessionPresent: false });
    await world.settle();
    expect(next.inbox).toEqual([]);
    expect(world.server.publish('a', 'x', { qos: 1 })).toBe(0);
  });

  it('loses the subscriptions that the policy no longer allows, and their messages', async () => {
    const forbidden = new Set<string>();
    await using world = new MqttWorld({ hooks: { maySubscribe: (_, filter) => !forbidden.has(filter) } });
    const client = await world.subscriber('d1', ['a', 'b'], KEEP);
    client.vanish();
    await world.settle();
    for (const topic of ['a', 'b']) world.server.publish(topic, 'x', { qos: 1 });
    forbidden.add('a');
    const again = await world.client('d1', KEEP);
    expect(await again.nextPublish()).toMatchObject({ topic: 'b' });
    expect(world.server.publish('a', 'x', { qos: 1 })).toBe(0);
  });

  it('bounds what waits for a client that is away', async () => {
    await using world = new MqttWorld({ limits: { maxQueuedBytes: 1000 } });
    const client = await world.subscriber('d1', ['a'], KEEP);
    client.vanish();
    await world.settle();
    const taken = Array.from({ length: 100 }, () => world.server.publish('a', 'x'.repeat(99), { qos: 1 }));
    expect(taken.reduce((sum, each) => sum + each, 0)).toBe(10);
    expect(world.server.counters).toMatchObject({ messagesDropped: 90, violations: { maxQueuedBytes: 90 } });
  });
});

it('a clean session ends with its connection [MQTT-3.1.2-6]', async () => {
  await using world = new MqttWorld();
  const client = await world.subscriber('d1', ['a']);
  client.vanish();
  await world.settle();
  expect(world.server.publish('a', 'x', { qos: 1 })).toBe(0);
  expect(world.server.counters.sessions).toBe(0);
});
