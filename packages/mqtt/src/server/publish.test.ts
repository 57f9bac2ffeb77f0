import { describe, expect, it } from 'vitest';
import { MqttWorld } from '../../test/mqtt-world.ts';

/** A `received` hook whose calls settle when the test says so. */
function gates() {
  const open: { topic: string; resolve: () => void; reject: (error: Error) => void }[] = [];
  const received = (_: unknown, { topic }: { topic: string }) =>
    new Promise<void>((resolve, reject) => {
      open.push({ topic, resolve, reject });
    });
  return { open, received };
}

describe('PUBLISH', () => {
  it('reaches the embedder with its QoS, DUP and retain', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1');
    client.publish('a', 'zero');
    client.publish('a', 'one', { qos: 1, packetId: 9, dup: true, retain: true });
    expect(await client.next()).toEqual({ type: 'puback', packetId: 9 });
    expect(world.received).toEqual([
      { from: 'd1', topic: 'a', payload: Buffer.from('zero'), qos: 0, dup: false, retain: false },
      { from: 'd1', topic: 'a', payload: Buffer.from('one'), qos: 1, dup: true, retain: true },
    ]);
  });

  it('is acknowledged only when the embedder has it, in the order of arrival [MQTT-4.6.0-2]', async () => {
    const { open, received } = gates();
    await using world = new MqttWorld({ hooks: { received } });
    const client = await world.client('d1');
    for (const packetId of [1, 2, 3]) client.publish('a', String(packetId), { qos: 1, packetId });
    await world.settle();
    expect(open).toHaveLength(3);
    open[1]?.resolve();
    open[2]?.resolve();
    await world.settle();
    expect(client.inbox).toEqual([]);
    open[0]?.resolve();
    await world.settle();
    expect(client.inbox).toEqual([1, 2, 3].map((packetId) => ({ type: 'puback', packetId })));
  });

  it('goes to subscribers only when the embedder has it', async () => {
    const { open, received } = gates();
    await using world = new MqttWorld({ hooks: { received } });
    const watcher = await world.subscriber('w', ['a']);
    const client = await world.client('d1');
    client.publish('a', 'x', { qos: 1, packetId: 1 });
    client.send({ type: 'disconnect' });
    await client.end();
    expect(watcher.inbox).toEqual([]);
    open[0]?.resolve();
    expect((await watcher.nextPublish()).payload.toString()).toBe('x');
  });

  it('on a reserved topic is for the embedder alone: another client may subscribe there, and hears nothing', async () => {
    await using world = new MqttWorld();
    const watcher = await world.subscriber('w', ['$aws/certificates/#']);
    const client = await world.client('d1');
    client.publish('$aws/certificates/x', 'mine', { qos: 1, packetId: 9 });
    expect(await client.next()).toEqual({ type: 'puback', packetId: 9 });
    expect(world.received).toHaveLength(1);
    await world.settle();
    expect(watcher.inbox).toEqual([]);
  });

  it('that the embedder rejects closes the connection without PUBACK', async () => {
    const { open, received } = gates();
    await using world = new MqttWorld({ hooks: { received } });
    const watcher = await world.subscriber('w', ['a']);
    const client = await world.client('d1');
    client.publish('a', 'x', { qos: 1, packetId: 1 });
    await world.settle();
    open[0]?.reject(new Error('disk full'));
    await client.end();
    expect(client.inbox).toEqual([]);
    expect(watcher.inbox).toEqual([]);
    expect(world.disconnected).toMatchObject([{ clientId: 'd1', reason: 'SERVER_ERROR' }]);
  });

  it('to a forbidden topic closes the connection, and the embedder never sees it', async () => {
    await using world = new MqttWorld({ hooks: { mayPublish: (_, topic) => topic.startsWith('mine/') } });
    const client = await world.client('d1');
    client.publish('mine/1', 'ok', { qos: 1, packetId: 1 });
    client.publish('theirs/1', 'no', { qos: 1, packetId: 2 });
    expect(await client.next()).toEqual({ type: 'puback', packetId: 1 });
    await client.end();
    expect(world.received.map(({ topic }) => topic)).toEqual(['mine/1']);
    expect(world.disconnected).toMatchObject([
      { reason: 'FORBIDDEN_ACCESS', detail: expect.stringMatching(/theirs\/1/) },
    ]);
  });

  it.each([
    ['a wildcard [MQTT-3.3.2-2]', 'a/#', undefined],
    ['more than 256 bytes', 'a'.repeat(257), 'maxTopicLength'],
    ['more than seven slashes', 'a/b/c/d/e/f/g/h/i', 'maxTopicLevels'],
  ])('to a topic with %s closes the connection', async (_, topic, limit) => {
    await using world = new MqttWorld();
    const client = await world.client('d1');
    client.publish(topic, 'x');
    await client.end();
    expect(world.disconnected).toMatchObject([{ reason: 'CLIENT_ERROR', limit }]);
    expect(world.server.counters.violations).toEqual(limit ? { [limit]: 1 } : {});
  });

  it('the prefix of basic ingest counts neither as length nor as levels', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1');
    client.publish('$aws/rules/R/1/2/3/4/5/6/7/8', 'x', { qos: 1, packetId: 1 });
    expect(await client.next()).toEqual({ type: 'puback', packetId: 1 });
  });

  it('of more than 128 KB of payload, or announced beyond the packet size, closes the connection', async () => {
    await using world = new MqttWorld();
    const first = await world.client('d1');
    first.publish('a', 'x'.repeat(128 * 1024 + 1));
    await first.end();
    const second = await world.client('d2');
    second.sendBytes([0x30, 0xff, 0xff, 0xff, 0x7f]);
    await second.end();
    expect(world.disconnected).toMatchObject([{ limit: 'maxPayloadSize' }, { limit: 'maxPacketSize' }]);
    const third = await world.client('d3');
    third.publish('a', 'x'.repeat(128 * 1024), { qos: 1, packetId: 1 });
    expect(await third.next()).toMatchObject({ type: 'puback' });
  });

  it('a client whose messages are not settled is not read beyond a window, and goes on afterwards', async () => {
    const { open, received } = gates();
    await using world = new MqttWorld({ hooks: { received }, limits: { maxReceiving: 3 } });
    const client = await world.client('d1', { keepAlive: 30 });
    for (let packetId = 1; packetId <= 10; packetId += 1) client.publish('a', '', { qos: 1, packetId });
    await world.settle();
    expect(open).toHaveLength(3);
    // The server does not read, so the client's silence proves nothing.
    await world.clock.advance(60_000);
    expect(client.ended).toBe(false);
    for (let index = 0; index < 10; index += 1) {
      open[index]?.resolve();
      await world.settle();
    }
    expect(client.inbox).toHaveLength(10);
  });

  it('a client that publishes faster than the limit is slowed down, and loses nothing', async () => {
    await using world = new MqttWorld({ limits: { maxPublishRate: 10 } });
    const client = await world.client('d1');
    for (let index = 0; index < 25; index += 1) client.publish('a', String(index));
    await world.settle();
    expect(world.received.length).toBeLessThan(13);
    await world.clock.advance(500);
    expect(world.received.length).toBeLessThan(18);
    await world.clock.advance(1500);
    expect(world.received.map(({ payload }) => Number(payload.toString()))).toEqual([...Array(25).keys()]);
    expect(world.server.counters.violations.maxPublishRate).toBeGreaterThan(0);
  });

  it('a packet that only a server sends closes the connection', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1');
    client.send({ type: 'pingresp' });
    await client.end();
    expect(world.disconnected).toMatchObject([{ reason: 'CLIENT_ERROR' }]);
  });
});

describe('retained messages', () => {
  it('go to a new subscriber with the retain flag, and to an old one without', async () => {
    await using world = new MqttWorld();
    const old = await world.subscriber('old', ['a/#']);
    const client = await world.client('d1');
    client.publish('a/1', 'kept', { qos: 1, packetId: 1, retain: true });
    expect(await old.nextPublish()).toMatchObject({ topic: 'a/1', retain: false });
    const late = await world.subscriber('late', ['a/#']);
    expect(await late.nextPublish()).toMatchObject({ topic: 'a/1', retain: true, qos: 1 });
    client.publish('a/1', '', { retain: true });
    await world.settle();
    const later = await world.subscriber('later', ['a/#']);
    await world.settle();
    expect(later.inbox).toEqual([]);
  });

  it('on reserved topics are delivered but not retained', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1');
    client.publish('$aws/things/d1/x', 'x', { qos: 1, packetId: 1, retain: true });
    await client.next();
    expect(world.server.counters.retainedMessages).toBe(0);
  });
});
