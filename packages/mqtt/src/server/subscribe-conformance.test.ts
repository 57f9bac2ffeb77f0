import { describe, expect, it } from 'vitest';
import { MqttWorld } from '../../test/mqtt-world.ts';
import type { ScriptedClient } from '../../test/scripted-client.ts';
import type { Properties } from '../codec/properties.ts';

const five = (properties?: Properties) => ({ protocolLevel: 5 as const, properties });
const BOTH: [4 | 5][] = [[4], [5]];

async function messages(world: MqttWorld, client: ScriptedClient) {
  await world.settle();
  return client.inbox.splice(0).flatMap((each) => (each.type === 'publish' ? [each] : []));
}

describe.each(BOTH)('SUBSCRIBE at level %i', (protocolLevel) => {
  it('is answered with its own packet identifier [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT5-3.8.4-1] [MQTT5-3.8.4-2]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', { protocolLevel });
    for (const packetId of [1, 77, 65_535]) {
      client.subscribe(packetId, ['a', 0]);
      expect(await client.next()).toMatchObject({ type: 'suback', packetId, returnCodes: [0] });
    }
  });

  it('of a filter again replaces the subscription, brings what is retained again, and loses nothing [MQTT-3.8.4-3] [MQTT5-3.8.4-3] [MQTT5-3.8.4-4]', async () => {
    await using world = new MqttWorld({ limits: { maxInFlight: 2 } });
    world.server.publish('a/kept', 'kept', { qos: 1, retain: true });
    const client = await world.client('d1', { protocolLevel });
    client.subscribe(1, ['a/+', 1]);
    expect(await client.next()).toMatchObject({ returnCodes: [1] });
    expect(await client.nextPublish()).toMatchObject({ topic: 'a/kept', retain: true, qos: 1 });
    const sent = ['1', '2', '3', '4'];
    for (const text of sent.slice(0, 2)) world.server.publish('a/b', text, { qos: 1 });
    client.subscribe(2, ['a/+', 0]);
    for (const text of sent.slice(2)) world.server.publish('a/b', text, { qos: 1 });
    const seen: string[] = [];
    let kept = 0;
    let acknowledged = 1;
    while (seen.length < sent.length || kept < 1) {
      client.ack(acknowledged);
      acknowledged += 1;
      for (const each of await messages(world, client)) {
        if (each.retain) kept += 1;
        else seen.push(each.payload.toString());
      }
    }
    expect([seen, kept]).toEqual([sent, 1]);
    world.server.publish('a/b', 'once', { qos: 1 });
    expect(await messages(world, client)).toMatchObject([{ qos: 0, payload: Buffer.from('once') }]);
  });

  it('with several filters is as several that come one after the other [MQTT-3.8.4-4] [MQTT5-3.8.4-5]', async () => {
    await using world = new MqttWorld({ hooks: { maySubscribe: (_, filter) => filter !== 'no' } });
    const client = await world.client('d1', { protocolLevel });
    client.subscribe(1, ['a', 2], ['no', 1], ['b', 1], ['a', 0]);
    const refused = protocolLevel === 5 ? 0x87 : 0x80;
    expect(await client.next()).toMatchObject({ type: 'suback', returnCodes: [2, refused, 1, 0] });
    world.server.publish('a', 'x', { qos: 2 });
    world.server.publish('b', 'x', { qos: 2 });
    expect((await messages(world, client)).map(({ topic, qos }) => [topic, qos])).toEqual([
      ['a', 0],
      ['b', 1],
    ]);
  });

  it('is granted what it asks for, and hears no higher QoS [MQTT-3.8.4-6] [MQTT5-3.8.4-7] [MQTT5-3.8.4-8]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', { protocolLevel });
    client.subscribe(1, ['0', 0], ['1', 1], ['2', 2]);
    expect(await client.next()).toMatchObject({ returnCodes: [0, 1, 2] });
    for (const topic of ['0', '1', '2']) {
      for (const qos of [0, 1, 2] as const) world.server.publish(topic, 'x', { qos });
    }
    expect((await messages(world, client)).map(({ topic, qos }) => topic + qos)).toEqual([
      '00',
      '00',
      '00',
      '10',
      '11',
      '11',
      '20',
      '21',
      '22',
    ]);
  });

  it('may have wildcards at every level [MQTT-3.8.3-2]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', { protocolLevel });
    client.subscribe(1, ['+/b/#', 0], ['+', 0], ['a/+', 0]);
    expect(await client.next()).toMatchObject({ returnCodes: [0, 0, 0] });
    const taken = ['x/b/c/d', 'x/b', 'x', 'a/x', 'x/y'].map((topic) => world.server.publish(topic, ''));
    expect(taken).toEqual([1, 1, 1, 1, 0]);
  });
});

describe.each(BOTH)('UNSUBSCRIBE at level %i', (protocolLevel) => {
  it('takes away the filters that are the same letter by letter [MQTT-3.10.4-1] [MQTT5-3.10.4-1]', async () => {
    await using world = new MqttWorld();
    const client = await world.subscriber('d1', ['a/b', 'a/+', 'A'], { protocolLevel });
    client.send({ type: 'unsubscribe', packetId: 2, filters: ['a/#', '+/b', 'a'] });
    await client.nextOf('unsuback');
    expect([world.server.publish('a/b', ''), world.server.publish('A', '')]).toEqual([1, 1]);
    client.send({ type: 'unsubscribe', packetId: 3, filters: ['a/+'] });
    await client.next();
    await client.next();
    await client.nextOf('unsuback');
    expect([world.server.publish('a/b', ''), world.server.publish('a/c', '')]).toEqual([1, 0]);
  });

  it('is answered once for all its filters, with its identifier [MQTT-2.3.1-7] [MQTT-3.10.4-4] [MQTT-3.10.4-6] [MQTT5-3.10.4-4] [MQTT5-3.10.4-5] [MQTT5-3.10.4-6]', async () => {
    await using world = new MqttWorld();
    const client = await world.subscriber('d1', ['a', 'b', 'c'], { protocolLevel });
    client.send({ type: 'unsubscribe', packetId: 99, filters: ['a', 'never', 'b', 'a'] });
    await world.settle();
    const reasonCodes = protocolLevel === 5 ? [0, 0x11, 0, 0x11] : undefined;
    expect(client.inbox).toEqual([{ type: 'unsuback', packetId: 99, reasonCodes }]);
    expect(['a', 'b', 'c'].map((topic) => world.server.publish(topic, ''))).toEqual([0, 0, 1]);
  });

  it('lets end what has begun, and nothing new begin [MQTT-3.10.4-2] [MQTT-3.10.4-3] [MQTT5-3.10.4-2] [MQTT5-3.10.4-3]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', {
      ...{ protocolLevel, cleanSession: false, properties: { sessionExpiryInterval: 1000 } },
    });
    client.subscribe(1, ['a', 2]);
    await client.next();
    const outcomes = ([1, 2] as const).map((qos) => world.server.deliver('d1', 'a', String(qos), { qos }));
    const [once, twice] = [await client.nextPublish(), await client.nextPublish()];
    client.send({ type: 'unsubscribe', packetId: 3, filters: ['a'] });
    await client.nextOf('unsuback');
    world.server.publish('a', 'new', { qos: 2 });
    client.send({ type: 'pubrec', packetId: twice.packetId });
    expect(await client.next()).toMatchObject({ type: 'pubrel', packetId: twice.packetId });
    client.vanish();
    const again = await world.client('d1', {
      ...{ protocolLevel, cleanSession: false, properties: { sessionExpiryInterval: 1000 } },
    });
    expect(await again.next()).toMatchObject({ type: 'publish', packetId: once.packetId, dup: true });
    expect(await again.next()).toMatchObject({ type: 'pubrel', packetId: twice.packetId });
    again.ack(once.packetId);
    again.send({ type: 'pubcomp', packetId: twice.packetId });
    expect(await Promise.all(outcomes)).toEqual(['acknowledged', 'acknowledged']);
    expect(await messages(world, again)).toEqual([]);
  });
});

describe.each(BOTH)('PINGREQ at level %i', (protocolLevel) => {
  it('is answered [MQTT-3.12.4-1] [MQTT5-3.12.4-1]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', { protocolLevel });
    client.send({ type: 'pingreq' }, { type: 'pingreq' });
    expect([await client.next(), await client.next()]).toEqual([{ type: 'pingresp' }, { type: 'pingresp' }]);
  });
});

describe('DISCONNECT', () => {
  it.each(BOTH)(
    'is the last that is handled, at level %i [MQTT-3.14.4-2] [MQTT5-3.14.4-1]',
    async (level) => {
      await using world = new MqttWorld();
      const client = await world.client('d1', { protocolLevel: level });
      client.send({ type: 'disconnect' });
      client.publish('a', 'late', { qos: 1, packetId: 1 });
      await client.end();
      expect([client.inbox, world.received]).toEqual([[], []]);
    },
  );

  it('of the server says why and nothing else, and nothing follows it [MQTT5-3.14.2-2] [MQTT5-3.14.4-1] [MQTT5-3.14.4-2]', async () => {
    await using world = new MqttWorld({ limits: { maxInFlight: 2 } });
    const client = await world.subscriber('d1', ['a'], five({ sessionExpiryInterval: 1000 }));
    for (const text of ['1', '2', '3']) world.server.publish('a', text, { qos: 1 });
    await client.nextPublish();
    await client.nextPublish();
    world.server.disconnect('d1', 'SERVER_INITIATED_DISCONNECT', 'for a reason');
    world.server.publish('a', '4');
    client.ack(1);
    await client.end();
    const properties = { reasonString: 'for a reason' };
    expect(client.inbox).toEqual([{ type: 'disconnect', reasonCode: 0x98, properties }]);
  });
});

describe('a client of MQTT 5', () => {
  it.each([
    [
      'that could not take the text is refused a filter without it [MQTT5-3.9.2-1]',
      { maximumPacketSize: 30 },
    ],
    [
      'that wants no texts is refused a filter without one [MQTT5-3.1.2-29]',
      { requestProblemInformation: 0 },
    ],
  ])('%s', async (_, connect) => {
    await using world = new MqttWorld({ hooks: { maySubscribe: () => false } });
    const client = await world.client('d1', five(connect));
    client.subscribe(1, ['a', 0]);
    expect(await client.next()).toEqual({ type: 'suback', packetId: 1, returnCodes: [0x87] });
    const other = await world.client('d2', five());
    other.subscribe(1, ['a', 0]);
    expect((await other.nextOf('suback')).properties?.reasonString).toMatch(/may not subscribe/);
  });

  it.each([
    ['that could not take it [MQTT5-3.4.2-2] [MQTT5-3.5.2-2]', { maximumPacketSize: 30 }],
    ['that wants none [MQTT5-3.1.2-29]', { requestProblemInformation: 0 }],
  ])('is refused a PUBLISH without a text %s', async (_, connect) => {
    await using world = new MqttWorld({ hooks: { mayPublish: () => false } });
    const client = await world.client('d1', five(connect));
    client.publish('a', 'x', { qos: 1, packetId: 1 });
    client.publish('a', 'x', { qos: 2, packetId: 2 });
    expect(await client.next()).toEqual({ type: 'puback', packetId: 1, reasonCode: 0x87 });
    expect(await client.next()).toEqual({ type: 'pubrec', packetId: 2, reasonCode: 0x87 });
  });

  it('whose window is full is still answered [MQTT5-3.3.4-10] [MQTT5-4.9.0-2] [MQTT5-4.9.0-3]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', five({ receiveMaximum: 1 }));
    client.subscribe(1, ['a', 2]);
    await client.next();
    for (const text of ['1', '2']) world.server.publish('a', text, { qos: 2 });
    const { packetId } = await client.nextPublish();
    client.send({ type: 'pingreq' });
    client.subscribe(2, ['c', 0]);
    client.publish('x', 'x', { qos: 2, packetId: 5 });
    client.send({ type: 'pubrel', packetId: 5 });
    client.send({ type: 'unsubscribe', packetId: 3, filters: ['c'] });
    client.send({ type: 'pubrec', packetId });
    await world.settle();
    const types = ['pingresp', 'suback', 'pubrec', 'pubcomp', 'unsuback', 'pubrel'];
    expect(
      client.inbox
        .splice(0)
        .map(({ type }) => type)
        .sort(),
    ).toEqual(types.sort());
    client.send({ type: 'pubcomp', packetId });
    expect((await client.nextPublish()).payload.toString()).toBe('2');
  });
});
