import { describe, expect, it } from 'vitest';
import { MqttWorld } from '../../test/mqtt-world.ts';
import { connectPacket } from '../../test/scripted-client.ts';
import type { ConnectPacket } from '../codec/packets.ts';
import type { Properties } from '../codec/properties.ts';

const five = (properties?: Properties) => ({ protocolLevel: 5 as const, properties });
const BOTH: [4 | 5][] = [[4], [5]];

/** A session that outlives its connection, in either version. */
const lasting = (protocolLevel: 4 | 5): Partial<ConnectPacket> => ({
  protocolLevel,
  cleanSession: false,
  properties: protocolLevel === 5 ? { sessionExpiryInterval: 1000 } : undefined,
});

describe.each(BOTH)('a client that connects at level %i', (protocolLevel) => {
  it('may have any ID of 1 to 23 letters and digits [MQTT-3.1.3-5] [MQTT5-3.1.3-5]', async () => {
    await using world = new MqttWorld();
    const all = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
    for (let length = 1; length <= 23; length += 1) {
      for (let at = 0; at < all.length; at += length) {
        const clientId = all.slice(at, at + length);
        expect(await world.open().connect({ protocolLevel, clientId })).toMatchObject({ returnCode: 0 });
      }
    }
  });

  it('and is refused has nothing handled that it sent along [MQTT-3.1.4-5] [MQTT5-3.1.4-6]', async () => {
    const authenticate = async () => ({ accept: false as const, returnCode: 5 as const, reason: 'revoked' });
    await using world = new MqttWorld({ hooks: { authenticate } });
    const client = world.open();
    client.send(connectPacket({ protocolLevel }));
    client.publish('a', 'x', { qos: 1, packetId: 1 });
    client.subscribe(2, ['#', 1]);
    await client.nextOf('connack');
    await client.end();
    expect([client.inbox, world.received]).toEqual([[], []]);
    expect(world.server.publish('a', 'x')).toBe(0);
  });

  it('hears CONNACK first, also when messages wait for it [MQTT-3.2.0-1] [MQTT5-3.2.0-1]', async () => {
    await using world = new MqttWorld();
    const client = await world.subscriber('d1', ['a'], lasting(protocolLevel));
    client.vanish();
    await world.settle();
    world.server.publish('a', 'waited', { qos: 1 });
    const again = world.open();
    again.send(connectPacket({ clientId: 'd1', ...lasting(protocolLevel) }));
    await world.settle();
    expect(again.inbox.map(({ type }) => type)).toEqual(['connack', 'publish']);
  });

  it('is told of a session only where there was one [MQTT-3.2.2-2] [MQTT-3.2.2-3] [MQTT5-3.2.2-3]', async () => {
    await using world = new MqttWorld();
    const present: boolean[] = [];
    for (const cleanSession of [false, false, true, false]) {
      const client = world.open();
      const connect = { clientId: 'd1', ...lasting(protocolLevel), cleanSession };
      const { returnCode, sessionPresent } = await client.connect(connect);
      expect(returnCode).toBe(0);
      present.push(sessionPresent);
      client.send({ type: 'disconnect' });
      await client.end();
    }
    // After a clean session, which in 3.1.1 ends with its connection and in MQTT 5 does not.
    expect(present).toEqual([false, true, false, protocolLevel === 5]);
  });

  it('and is refused is told of no session, and keeps it [MQTT-3.2.2-4] [MQTT5-3.2.2-6]', async () => {
    let accept = true;
    await using world = new MqttWorld({
      hooks: {
        authenticate: async ({ clientId }) =>
          accept
            ? { accept, principal: { clientId } }
            : { accept, returnCode: 5 as const, reason: 'suspended' },
      },
    });
    const client = await world.subscriber('d1', ['a'], lasting(protocolLevel));
    client.vanish();
    await world.settle();
    accept = false;
    const refused = world.open();
    const connack = await refused.connect({ clientId: 'd1', ...lasting(protocolLevel) });
    expect(connack).toMatchObject({ sessionPresent: false, returnCode: protocolLevel === 5 ? 0x87 : 5 });
    await refused.end();
    accept = true;
    const connect = { clientId: 'd1', ...lasting(protocolLevel) };
    expect(await world.open().connect(connect)).toMatchObject({ sessionPresent: true, returnCode: 0 });
  });

  it('a second time is closed without another CONNACK [MQTT-3.1.0-2] [MQTT5-3.1.0-2] [MQTT5-3.2.0-2]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', { protocolLevel });
    client.send(connectPacket({ clientId: 'd1', protocolLevel }));
    await client.end();
    const said = client.inbox.map((each) => (each.type === 'disconnect' ? each.reasonCode : each.type));
    expect(said).toEqual(protocolLevel === 5 ? [0x82] : []);
  });

  it('with a new session has nothing of the one before [MQTT-3.1.2-6] [MQTT5-3.1.2-4]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', lasting(protocolLevel));
    client.subscribe(1, ['a', 2]);
    await client.next();
    client.publish('b', 'first', { qos: 2, packetId: 5 });
    await client.nextOf('pubrec');
    world.server.publish('a', 'sent', { qos: 2 });
    await client.nextPublish();
    client.vanish();
    const again = await world.client('d1', { ...lasting(protocolLevel), cleanSession: true });
    // Its packet identifier is free again, too.
    again.publish('b', 'second', { qos: 2, packetId: 5 });
    await world.settle();
    expect(again.inbox.map(({ type }) => type)).toEqual(['pubrec']);
    expect(world.received.map(({ payload }) => payload.toString())).toEqual(['first', 'second']);
    expect(world.server.publish('a', 'x', { qos: 1 })).toBe(0);
  });
});

describe('a client of MQTT 5 that connects', () => {
  it('without an ID is given one that no other session has [MQTT5-3.2.2-16]', async () => {
    await using world = new MqttWorld();
    const ids = new Set<string | undefined>();
    for (let count = 0; count < 50; count += 1) {
      const connect = {
        ...five({ sessionExpiryInterval: 1000 }),
        clientId: '',
        cleanSession: count % 2 === 0,
      };
      const { properties, sessionPresent } = await world.open().connect(connect);
      expect(sessionPresent).toBe(false);
      ids.add(properties?.assignedClientIdentifier);
    }
    expect([ids.size, ids.has(undefined), world.server.counters.sessions]).toEqual([50, false, 50]);
  });

  it('and is told no keep-alive is held to its own [MQTT5-3.2.2-22]', async () => {
    await using world = new MqttWorld();
    const { properties } = await world.open().connect({ ...five(), keepAlive: 100 });
    expect(properties?.serverKeepAlive).toBeUndefined();
    await world.clock.advance(149_999);
    expect(world.disconnected).toEqual([]);
    await world.clock.advance(1);
    expect(world.disconnected).toMatchObject([{ reason: 'MQTT_KEEP_ALIVE_TIMEOUT' }]);
  });

  it('is refused without a text that it could not take [MQTT5-3.2.2-19]', async () => {
    const authenticate = async () => ({
      ...{ accept: false as const, returnCode: 5 as const, reason: 'x', reasonString: 'a'.repeat(60) },
    });
    await using world = new MqttWorld({ hooks: { authenticate } });
    const told = await world.open().connect(five({ maximumPacketSize: 100 }));
    expect(told.properties?.reasonString).toHaveLength(60);
    const small = world.open();
    expect(await small.connect(five({ maximumPacketSize: 50 }))).toEqual({
      ...{ type: 'connack', sessionPresent: false, returnCode: 0x87 },
    });
    await small.end();
  });

  it('too small for any CONNACK is closed without one [MQTT5-3.1.2-24]', async () => {
    await using world = new MqttWorld();
    const client = world.open();
    client.send(connectPacket(five({ maximumPacketSize: 4 })));
    await client.end();
    expect([client.inbox, world.connected]).toEqual([[], []]);
  });

  it('and names no method hears nothing of authentication [MQTT5-4.12.0-6]', async () => {
    await using world = new MqttWorld();
    const client = world.open();
    const connect = { ...five(), username: 'u', password: Buffer.from('p') };
    const { properties } = await client.connect(connect);
    expect(properties).not.toHaveProperty('authenticationMethod');
    await world.settle();
    expect(client.inbox).toEqual([]);
  });

  it('may use QoS 2 and retain, for its will, too [MQTT5-3.2.2-12] [MQTT5-3.2.2-13]', async () => {
    await using world = new MqttWorld();
    const will = { topic: 'w', payload: Buffer.from('gone'), qos: 2 as const, retain: true };
    const { returnCode, properties } = await world.open().connect({ ...five(), will });
    expect(returnCode).toBe(0);
    expect(properties).not.toHaveProperty('maximumQoS');
    expect(properties).not.toHaveProperty('retainAvailable');
  });

  it('again with its will delayed and a new session has the will published [MQTT5-3.1.2-8]', async () => {
    await using world = new MqttWorld();
    const properties = { willDelayInterval: 100 };
    const will = { topic: 'w', payload: Buffer.from('gone'), qos: 0 as const, retain: false, properties };
    const client = await world.client('d1', { ...lasting(5), will });
    client.vanish();
    await world.settle();
    expect(world.received).toEqual([]);
    await world.client('d1', { ...five(), cleanSession: true });
    expect(world.received).toMatchObject([{ topic: 'w' }]);
  });
});
