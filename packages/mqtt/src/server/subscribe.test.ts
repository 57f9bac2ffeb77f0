import { describe, expect, it } from 'vitest';
import { MqttWorld } from '../../test/mqtt-world.ts';

describe('SUBSCRIBE', () => {
  it('answers each filter in order: granted, lowered or refused [MQTT-3.8.4-5]', async () => {
    await using world = new MqttWorld({ hooks: { maySubscribe: (_, filter) => filter !== 'no' } });
    const client = await world.client('d1');
    client.subscribe(3, ['a', 0], ['b', 1], ['c', 2], ['no', 1], ['$aws/rules/R/x', 1], ['$share/g/no', 1]);
    expect(await client.next()).toEqual({
      type: 'suback',
      packetId: 3,
      returnCodes: [0, 1, 2, 0x80, 0x80, 0x80],
    });
    expect(world.server.publish('no', 'x')).toBe(0);
  });

  it('a malformed filter closes the connection [MQTT-4.7.1-2]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1');
    client.subscribe(1, ['a#', 0]);
    await client.end();
    expect(world.disconnected).toMatchObject([
      { reason: 'CLIENT_ERROR', detail: expect.stringMatching(/MQTT-4\.7\.1-2/) },
    ]);
  });

  it('refuses filters beyond the limits, and counts each by its name', async () => {
    await using world = new MqttWorld({ limits: { maxSubscriptions: 3, maxFiltersPerSubscribe: 2 } });
    const client = await world.client('d1');
    client.subscribe(1, ['a', 0], ['b', 0], ['c', 0]);
    expect(await client.next()).toMatchObject({ returnCodes: [0, 0, 0x80] });
    client.subscribe(2, ['a', 0], ['x'.repeat(300), 0]);
    expect(await client.next()).toMatchObject({ returnCodes: [0, 0x80] });
    client.subscribe(3, ['c', 0], ['d', 0]);
    expect(await client.next()).toMatchObject({ returnCodes: [0, 0x80] });
    expect(world.server.counters.violations).toEqual({
      maxFiltersPerSubscribe: 1,
      maxTopicLength: 1,
      maxSubscriptions: 1,
    });
  });

  it('overlapping filters bring a message once, with the highest QoS [MQTT-3.3.5-1]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1');
    client.subscribe(1, ['a/#', 0], ['a/+', 1]);
    await client.next();
    expect(world.server.publish('a/b', 'x', { qos: 1 })).toBe(1);
    expect(await client.nextPublish()).toMatchObject({ qos: 1 });
    await world.settle();
    expect(client.inbox).toEqual([]);
  });

  it('the QoS of a message is the lower of its own and the subscription [MQTT-3.8.4-6]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1');
    client.subscribe(1, ['a', 0], ['b', 1]);
    await client.next();
    world.server.publish('a', 'x', { qos: 1 });
    world.server.publish('b', 'x', { qos: 0 });
    world.server.publish('b', 'x', { qos: 1 });
    expect(await client.nextPublish()).toMatchObject({ topic: 'a', qos: 0 });
    expect(await client.nextPublish()).toMatchObject({ topic: 'b', qos: 0 });
    expect(await client.nextPublish()).toMatchObject({ topic: 'b', qos: 1 });
  });

  it('UNSUBSCRIBE ends it and is answered, whether there was a subscription or not [MQTT-3.10.4-5]', async () => {
    await using world = new MqttWorld();
    const client = await world.subscriber('d1', ['a']);
    client.send({ type: 'unsubscribe', packetId: 5, filters: ['a', 'never'] });
    expect(await client.next()).toEqual({ type: 'unsuback', packetId: 5 });
    expect(world.server.publish('a', 'x')).toBe(0);
  });

  it('a client hears what it published itself, and not basic ingest', async () => {
    await using world = new MqttWorld();
    const client = await world.subscriber('d1', ['#', '$aws/#']);
    client.publish('$aws/rules/R/a', 'x', { qos: 1, packetId: 1 });
    client.publish('a', 'x');
    expect(await client.next()).toMatchObject({ type: 'puback' });
    expect(await client.nextPublish()).toMatchObject({ topic: 'a' });
  });
});
