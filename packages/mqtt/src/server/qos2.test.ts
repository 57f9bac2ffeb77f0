import { describe, expect, it } from 'vitest';
import { MqttWorld } from '../../test/mqtt-world.ts';

const KEEP = { cleanSession: false };

describe('QoS 2 from a client', () => {
  it('counts once, however often it is sent before it is released [MQTT-4.3.3-2]', async () => {
    await using world = new MqttWorld();
    const watcher = await world.subscriber('w', ['a']);
    const client = await world.client('d1');
    client.publish('a', 'x', { qos: 2, packetId: 5 });
    client.publish('a', 'x', { qos: 2, packetId: 5, dup: true });
    expect(await client.next()).toEqual({ type: 'pubrec', packetId: 5 });
    expect(await client.next()).toEqual({ type: 'pubrec', packetId: 5 });
    client.send({ type: 'pubrel', packetId: 5 });
    expect(await client.next()).toEqual({ type: 'pubcomp', packetId: 5 });
    client.publish('a', 'y', { qos: 2, packetId: 5 });
    await client.next();
    expect(world.received.map(({ payload }) => payload.toString())).toEqual(['x', 'y']);
    expect((await watcher.nextPublish()).payload.toString()).toBe('x');
    expect((await watcher.nextPublish()).payload.toString()).toBe('y');
  });

  it('still counts once when the client comes back before it released it', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', KEEP);
    client.publish('a', 'x', { qos: 2, packetId: 5 });
    await client.next();
    client.vanish();
    const again = await world.client('d1', KEEP);
    again.publish('a', 'x', { qos: 2, packetId: 5, dup: true });
    expect(await again.next()).toEqual({ type: 'pubrec', packetId: 5 });
    again.send({ type: 'pubrel', packetId: 5 });
    expect(await again.next()).toEqual({ type: 'pubcomp', packetId: 5 });
    expect(world.received).toHaveLength(1);
  });

  it('waits on a new connection for what the embedder has not settled on the old one', async () => {
    let settle: () => void = () => undefined;
    let calls = 0;
    const received = () =>
      new Promise<void>((resolve) => {
        calls += 1;
        settle = resolve;
      });
    await using world = new MqttWorld({ hooks: { received } });
    const client = await world.client('d1', KEEP);
    client.publish('a', 'x', { qos: 2, packetId: 5 });
    await world.settle();
    client.vanish();
    const again = await world.client('d1', KEEP);
    again.publish('a', 'x', { qos: 2, packetId: 5, dup: true });
    await world.settle();
    expect(again.inbox).toEqual([]);
    settle();
    expect(await again.next()).toEqual({ type: 'pubrec', packetId: 5 });
    expect(calls).toBe(1);
  });

  it('that the embedder rejects is not remembered: the client may send it again', async () => {
    let fail = true;
    const received = () => (fail ? Promise.reject(new Error('disk full')) : undefined);
    await using world = new MqttWorld({ hooks: { received } });
    const client = await world.client('d1', KEEP);
    client.publish('a', 'x', { qos: 2, packetId: 5 });
    await client.end();
    fail = false;
    const watcher = await world.subscriber('w', ['a']);
    const again = await world.client('d1', KEEP);
    again.publish('a', 'x', { qos: 2, packetId: 5, dup: true });
    expect(await again.next()).toEqual({ type: 'pubrec', packetId: 5 });
    expect((await watcher.nextPublish()).payload.toString()).toBe('x');
  });

  it('PUBREL for what nobody knows is answered with PUBCOMP, in MQTT 5 with the reason (5.0, 3.7.2.1)', async () => {
    await using world = new MqttWorld();
    const old = await world.client('d1');
    old.send({ type: 'pubrel', packetId: 9 });
    expect(await old.next()).toEqual({ type: 'pubcomp', packetId: 9 });
    const client = await world.client('d2', { protocolLevel: 5 });
    client.send({ type: 'pubrel', packetId: 9 });
    expect(await client.next()).toMatchObject({ type: 'pubcomp', packetId: 9, reasonCode: 0x92 });
  });

  it('more unreleased messages than the receive maximum end the connection [MQTT5-3.3.4-7]', async () => {
    await using world = new MqttWorld({ limits: { maxReceiving: 2 } });
    const client = await world.client('d1', { protocolLevel: 5 });
    for (const packetId of [1, 2, 3]) client.publish('a', '', { qos: 2, packetId });
    await client.nextOf('pubrec');
    await client.nextOf('pubrec');
    expect(await client.next()).toMatchObject({ type: 'disconnect', reasonCode: 0x93 });
    expect(world.server.counters.violations).toEqual({ maxReceiving: 1 });
  });
});

describe('QoS 2 to a client', () => {
  it('goes through PUBREC, PUBREL and PUBCOMP, and is acknowledged with the last [MQTT-4.3.3-1]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1');
    client.subscribe(1, ['a', 2]);
    await client.next();
    const outcome = world.server.deliver('d1', 'a', 'x', { qos: 2 });
    const { packetId } = await client.nextPublish();
    client.send({ type: 'pubrec', packetId });
    expect(await client.next()).toEqual({ type: 'pubrel', packetId });
    client.send({ type: 'pubcomp', packetId });
    expect(await outcome).toBe('acknowledged');
  });

  it('sends again after a reconnect what each message has reached: PUBLISH with DUP, or PUBREL [MQTT-4.4.0-1]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', KEEP);
    client.subscribe(1, ['a', 2]);
    await client.next();
    for (const text of ['1', '2', '3']) world.server.publish('a', text, { qos: 2 });
    const ids = [await client.nextPublish(), await client.nextPublish(), await client.nextPublish()].map(
      ({ packetId }) => packetId,
    );
    const [first = 0, second = 0, third = 0] = ids;
    client.send({ type: 'pubrec', packetId: second });
    await client.nextOf('pubrel');
    client.vanish();
    const again = await world.client('d1', KEEP);
    expect(await again.next()).toMatchObject({ type: 'publish', packetId: first, dup: true });
    expect(await again.next()).toEqual({ type: 'pubrel', packetId: second });
    expect(await again.next()).toMatchObject({ type: 'publish', packetId: third, dup: true });
  });

  it('counts against the window until PUBCOMP', async () => {
    await using world = new MqttWorld({ limits: { maxInFlight: 1 } });
    const client = await world.client('d1');
    client.subscribe(1, ['a', 2]);
    await client.next();
    for (const text of ['1', '2']) world.server.publish('a', text, { qos: 2 });
    const { packetId } = await client.nextPublish();
    client.send({ type: 'pubrec', packetId });
    await client.nextOf('pubrel');
    await world.settle();
    expect(client.inbox).toEqual([]);
    client.send({ type: 'pubcomp', packetId });
    expect((await client.nextPublish()).payload.toString()).toBe('2');
  });

  it('a client of MQTT 5 that refuses it with PUBREC ends the exchange [MQTT5-4.4.0-2]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', { protocolLevel: 5 });
    client.subscribe(1, ['a', 2]);
    await client.next();
    const outcome = world.server.deliver('d1', 'a', 'x', { qos: 2 });
    const { packetId } = await client.nextPublish();
    client.send({ type: 'pubrec', packetId, reasonCode: 0x97 });
    expect(await outcome).toBe('dropped');
    client.send({ type: 'pubrec', packetId });
    expect(await client.next()).toMatchObject({ type: 'pubrel', reasonCode: 0x92 });
  });
});

it('a message has the QoS of sender and subscription, whichever is lower, up to 2', async () => {
  await using world = new MqttWorld();
  const client = await world.client('d1');
  client.subscribe(1, ['a', 2], ['b', 1]);
  await client.next();
  client.publish('a', 'x', { qos: 2, packetId: 1 });
  client.publish('b', 'x', { qos: 2, packetId: 2 });
  await world.settle();
  const seen = client.inbox.flatMap((packet) => (packet.type === 'publish' ? [packet] : []));
  expect(seen.map(({ topic, qos }) => [topic, qos])).toEqual([
    ['a', 2],
    ['b', 1],
  ]);
});
