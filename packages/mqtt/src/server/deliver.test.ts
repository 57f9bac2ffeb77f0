import { describe, expect, it } from 'vitest';
import { MqttWorld } from '../../test/mqtt-world.ts';

describe('deliver', () => {
  it('resolves with `acknowledged` on PUBACK, not before', async () => {
    await using world = new MqttWorld();
    const client = await world.subscriber('d1', ['down/#']);
    let outcome: string | undefined;
    world.server.deliver('d1', 'down/x', 'hello').then((result) => {
      outcome = result;
    });
    const message = await client.nextPublish();
    await world.settle();
    expect(outcome).toBeUndefined();
    client.ack(message.packetId);
    await world.settle();
    expect(outcome).toBe('acknowledged');
  });

  it('resolves with `sent` with QoS 0', async () => {
    await using world = new MqttWorld();
    await world.subscriber('d1', ['down/#']);
    expect(await world.server.deliver('d1', 'down/x', 'hello', { qos: 0 })).toBe('sent');
  });

  it('resolves with `offline` for a client without a session, and with QoS 0 for one that is away', async () => {
    await using world = new MqttWorld();
    expect(await world.server.deliver('nobody', 'down/x', 'hello')).toBe('offline');
    const client = await world.subscriber('d1', ['down/#'], { cleanSession: false });
    client.vanish();
    await world.settle();
    expect(await world.server.deliver('d1', 'down/x', 'hello', { qos: 0 })).toBe('offline');
  });

  it('resolves with `timeout` and leaves the message queued', async () => {
    await using world = new MqttWorld();
    const client = await world.subscriber('d1', ['down/#'], { cleanSession: false });
    client.vanish();
    await world.settle();
    const outcome = world.server.deliver('d1', 'down/x', 'hello', { timeout: 5000 });
    await world.clock.advance(5000);
    expect(await outcome).toBe('timeout');
    const again = await world.client('d1', { cleanSession: false });
    expect((await again.nextPublish()).payload.toString()).toBe('hello');
  });

  it('waits for the SUBSCRIBE of a client that is connected: old agents publish first', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', { cleanSession: false });
    const first = world.server.deliver('d1', 'ioto/device/d1/sync/SYNC', '1');
    const second = world.server.deliver('d1', 'ioto/device/d1/sync/SYNC', '2');
    await world.settle();
    expect(client.inbox).toEqual([]);
    client.subscribe(1, ['ioto/device/d1/#', 1]);
    expect(await client.next()).toMatchObject({ type: 'suback' });
    for (const text of ['1', '2']) {
      const message = await client.nextPublish();
      expect(message.payload.toString()).toBe(text);
      client.ack(message.packetId);
    }
    expect(await Promise.all([first, second])).toEqual(['acknowledged', 'acknowledged']);
  });

  it('resolves with `unsubscribed` when no SUBSCRIBE comes within the grace', async () => {
    await using world = new MqttWorld();
    await world.client('d1');
    const outcome = world.server.deliver('d1', 'down/x', 'hello');
    await world.clock.advance(10_000);
    expect(await outcome).toBe('unsubscribed');
  });

  it('resolves with `dropped` when the queue is full, and counts the limit', async () => {
    await using world = new MqttWorld({ limits: { maxQueuedMessages: 1 } });
    const client = await world.subscriber('d1', ['down/#'], { cleanSession: false });
    client.vanish();
    await world.settle();
    world.server.deliver('d1', 'down/1', 'hello');
    expect(await world.server.deliver('d1', 'down/2', 'hello')).toBe('dropped');
    expect(world.server.counters).toMatchObject({ messagesDropped: 1, violations: { maxQueuedMessages: 1 } });
  });

  it('a message with an expiry is not delivered after it, and says so', async () => {
    await using world = new MqttWorld();
    const keep = { cleanSession: false };
    const client = await world.subscriber('d1', ['down/#'], keep);
    client.vanish();
    await world.settle();
    const outcome = world.server.deliver('d1', 'down/x', 'late', { expiry: 5000 });
    await world.clock.advance(5000);
    const properties = { contentType: 'text/plain' };
    world.server.deliver('d1', 'down/x', 'fine', { expiry: 60_000, properties });
    expect(await outcome).toBe('dropped');
    const again = await world.client('d1', { ...keep, protocolLevel: 5 });
    expect(await again.nextPublish()).toMatchObject({
      payload: Buffer.from('fine'),
      properties: { contentType: 'text/plain', messageExpiryInterval: 60 },
    });
  });

  it('resolves with `dropped` when the session ends', async () => {
    await using world = new MqttWorld();
    const client = await world.subscriber('d1', ['down/#'], { cleanSession: false });
    const sent = world.server.deliver('d1', 'down/1', 'hello');
    const waiting = world.server.deliver('d1', 'elsewhere', 'hello');
    await client.nextPublish();
    world.server.dropSession('d1');
    expect(await Promise.all([sent, waiting])).toEqual(['dropped', 'dropped']);
    await client.end();
    expect(world.disconnected).toMatchObject([{ reason: 'SERVER_INITIATED_DISCONNECT' }]);
    expect((await world.open().connect({ clientId: 'd1', cleanSession: false })).sessionPresent).toBe(false);
  });

  it('rejects what no topic is, and what is larger than a payload may be', async () => {
    await using world = new MqttWorld();
    await expect(world.server.deliver('d1', 'a/#', '')).rejects.toMatchObject({ code: 'MQTT_TOPIC_INVALID' });
    const large = Buffer.alloc(128 * 1024 + 1);
    await expect(world.server.deliver('d1', 'a', large)).rejects.toMatchObject({
      code: 'MQTT_LIMIT_EXCEEDED',
    });
  });
});

describe('a client of a dialect', () => {
  it('with one message in flight gets the next one after its PUBACK', async () => {
    await using world = new MqttWorld({ hooks: { dialect: () => ({ maxInFlight: 1 }) } });
    const client = await world.subscriber('d1', ['down/#']);
    for (const text of ['1', '2']) world.server.deliver('d1', 'down/x', text);
    const first = await client.nextPublish();
    await world.settle();
    expect(client.inbox).toEqual([]);
    client.ack(first.packetId);
    expect((await client.nextPublish()).payload.toString()).toBe('2');
  });

  it('with a write for each packet never gets two packets in one', async () => {
    await using world = new MqttWorld({ hooks: { dialect: () => ({ writeEachPacket: true }) } });
    const client = await world.subscriber('d1', ['down/#']);
    const before = client.chunks;
    for (let index = 0; index < 5; index += 1) world.server.publish('down/x', String(index));
    await world.settle();
    await world.settle();
    expect(client.inbox).toHaveLength(5);
    expect(client.chunks - before).toBe(5);
  });

  it('any other gets what one loop turn brings in one write', async () => {
    await using world = new MqttWorld();
    const client = await world.subscriber('d1', ['down/#']);
    const before = client.chunks;
    for (let index = 0; index < 5; index += 1) world.server.publish('down/x', String(index));
    await world.settle();
    expect(client.inbox).toHaveLength(5);
    expect(client.chunks - before).toBe(1);
  });
});
