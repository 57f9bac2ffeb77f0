import { describe, expect, it } from 'vitest';
import { MqttWorld } from '../../test/mqtt-world.ts';
import type { Properties } from '../codec/properties.ts';

const five = (properties?: Properties) => ({ protocolLevel: 5 as const, properties });

describe('CONNACK in MQTT 5', () => {
  it('tells the limits of the server (5.0, 3.2.2.3)', async () => {
    await using world = new MqttWorld();
    const connack = await world.open().connect(five());
    expect(connack).toMatchObject({ returnCode: 0, sessionPresent: false });
    expect(connack.properties).toEqual({
      receiveMaximum: 100,
      maximumPacketSize: 132 * 1024,
      topicAliasMaximum: 16,
    });
    expect(world.connected).toMatchObject([{ protocolLevel: 5, sessionExpiry: 0 }]);
  });

  it('assigns a client ID, also without clean start [MQTT5-3.1.3-7]', async () => {
    await using world = new MqttWorld();
    const connack = await world.open().connect({ ...five(), clientId: '', cleanSession: false });
    expect(connack.properties?.assignedClientIdentifier).toBe(world.connected[0]?.clientId);
  });

  it('tells the keep-alive and the session expiry that are given instead [MQTT5-3.1.2-21]', async () => {
    await using world = new MqttWorld({ limits: { sessionExpiry: 60_000 } });
    const asked = { ...five({ sessionExpiryInterval: 0xffff_ffff }), keepAlive: 5 };
    const { properties } = await world.open().connect(asked);
    expect(properties).toMatchObject({ serverKeepAlive: 30, sessionExpiryInterval: 60 });
  });

  it('brings response information to who asks for it', async () => {
    const hooks = { responseInformation: () => 'replies/d1/' };
    await using world = new MqttWorld({ hooks });
    const asked = await world.open().connect(five({ requestResponseInformation: 1 }));
    expect(asked.properties?.responseInformation).toBe('replies/d1/');
    const other = await world.open().connect({ ...five(), clientId: 'd2' });
    expect(other.properties?.responseInformation).toBeUndefined();
  });

  it.each([
    [2, 0x85],
    [3, 0x88],
    [4, 0x86],
    [5, 0x87],
  ] as const)('a refusal with return code %i is reason code %i', async (returnCode, reasonCode) => {
    const authenticate = async () => ({ accept: false as const, returnCode, reason: 'secret cause' });
    await using world = new MqttWorld({ hooks: { authenticate } });
    const client = world.open();
    const connack = await client.connect(five());
    expect(connack.returnCode).toBe(reasonCode);
    // What the cause is, is for the owner.
    expect(connack.properties).toBeUndefined();
    await client.end();
  });

  it('a refusal may say more to who may know it', async () => {
    const authenticate = async () =>
      ({ accept: false, returnCode: 5, reason: 'x', reasonCode: 0x8a, reasonString: 'ask us' }) as const;
    await using world = new MqttWorld({ hooks: { authenticate } });
    expect(await world.open().connect(five())).toMatchObject({
      returnCode: 0x8a,
      properties: { reasonString: 'ask us' },
    });
  });

  it('enhanced authentication is refused with 0x8c [MQTT5-4.12.0-1]', async () => {
    await using world = new MqttWorld();
    const client = world.open();
    const connack = await client.connect(five({ authenticationMethod: 'SCRAM-SHA-256' }));
    expect(connack.returnCode).toBe(0x8c);
    expect(connack.properties?.reasonString).toMatch(/SCRAM-SHA-256/);
    await client.end();
  });

  it('a malformed CONNECT is answered with its reason', async () => {
    await using world = new MqttWorld();
    const client = world.open();
    client.level = 5;
    client.sendBytes([0x10, 11, 0, 4, 0x4d, 0x51, 0x54, 0x54, 5, 3, 0, 0, 0]);
    expect(await client.next()).toMatchObject({ type: 'connack', returnCode: 0x81 });
    await client.end();
  });

  it('too large a CONNECT is refused before it has come', async () => {
    await using world = new MqttWorld();
    const client = world.open();
    client.sendBytes([0x10, 0xff, 0xff, 0x7f]);
    await client.end();
    expect(world.server.counters.violations).toEqual({ maxConnectSize: 1 });
  });
});

describe('a session of MQTT 5', () => {
  it('ends with its connection when no expiry is asked for (3.1.2.11.2)', async () => {
    await using world = new MqttWorld();
    const client = await world.subscriber('d1', ['a'], { ...five(), cleanSession: false });
    client.vanish();
    await world.settle();
    expect(world.server.counters.sessions).toBe(0);
  });

  it('outlives its connection for as long as was asked for', async () => {
    await using world = new MqttWorld();
    const asked = { ...five({ sessionExpiryInterval: 10 }), cleanSession: false };
    const client = await world.subscriber('d1', ['a'], asked);
    client.vanish();
    await world.settle();
    await world.clock.advance(9_999);
    expect(world.server.counters.sessions).toBe(1);
    await world.clock.advance(1);
    expect(world.server.counters.sessions).toBe(0);
  });

  it('clean start begins anew and still lasts [MQTT5-3.1.2-4]', async () => {
    await using world = new MqttWorld();
    const asked = { ...five({ sessionExpiryInterval: 10 }), cleanSession: true };
    const client = await world.subscriber('d1', ['a'], asked);
    client.vanish();
    await world.settle();
    const again = world.open();
    const resumed = { ...asked, clientId: 'd1', cleanSession: false };
    expect(await again.connect(resumed)).toMatchObject({ sessionPresent: true });
  });

  it('DISCONNECT may change how long it lasts, but not from nothing (5.0, 3.14.2.2.2)', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', five({ sessionExpiryInterval: 100 }));
    client.send({ type: 'disconnect', properties: { sessionExpiryInterval: 0 } });
    await client.end();
    expect(world.server.counters.sessions).toBe(0);
    const other = await world.client('d2', five());
    other.send({ type: 'disconnect', properties: { sessionExpiryInterval: 5 } });
    expect(await other.next()).toMatchObject({ type: 'disconnect', reasonCode: 0x82 });
    await other.end();
  });
});

describe('DISCONNECT from the server', () => {
  it.each([
    ['take-over [MQTT5-3.1.4-3]', 0x8e, async (world: MqttWorld) => void (await world.client('d1', five()))],
    ['silence [MQTT5-3.1.2-22]', 0x8d, (world: MqttWorld) => world.clock.advance(90_000)],
    ['administration', 0x98, async (world: MqttWorld) => world.server.dropSession('d1')],
    ['shutting down', 0x8b, (world: MqttWorld) => world.server.stop()],
  ])('tells the reason: %s', async (_, reasonCode, act) => {
    await using world = new MqttWorld();
    const client = await world.client('d1', five());
    await act(world);
    const goodbye = await client.nextOf('disconnect');
    expect(goodbye.reasonCode).toBe(reasonCode);
    expect(goodbye.properties?.reasonString).toBeTruthy();
    await client.end();
  });

  it('AUTH without a method is a protocol error [MQTT5-4.12.0-7]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', five());
    client.send({ type: 'auth', reasonCode: 0x18 });
    expect(await client.next()).toMatchObject({ type: 'disconnect', reasonCode: 0x82 });
    await client.end();
  });

  it('leaves the text out where the client cannot take it [MQTT5-3.14.2-3]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', five({ maximumPacketSize: 20 }));
    client.send({ type: 'auth', reasonCode: 0x18 });
    expect(await client.next()).toEqual({ type: 'disconnect', reasonCode: 0x82 });
  });

  it('never comes to a client of MQTT 3.1.1', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1');
    world.server.dropSession('d1');
    await client.end();
    expect(client.inbox).toEqual([]);
  });
});

describe('will delay', () => {
  const will = (willDelayInterval: number) => ({
    topic: 'wills/d1',
    payload: Buffer.from('gone'),
    qos: 1 as const,
    retain: false,
    properties: { willDelayInterval, contentType: 'text/plain' },
  });
  const lasting = five({ sessionExpiryInterval: 100 });

  it('holds the will back, and its other properties go with it', async () => {
    await using world = new MqttWorld();
    const watcher = await world.subscriber('w', ['wills/#'], five());
    const client = await world.client('d1', { ...lasting, will: will(10) });
    client.vanish();
    await world.settle();
    await world.clock.advance(9_999);
    expect(watcher.inbox).toEqual([]);
    await world.clock.advance(1);
    const message = await watcher.nextPublish();
    expect(message.properties).toEqual({ contentType: 'text/plain' });
  });

  it('a client that is back in time has no will published [MQTT5-3.1.3-9]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', { ...lasting, will: will(10) });
    client.vanish();
    await world.settle();
    await world.client('d1', { ...lasting, cleanSession: false, keepAlive: 1200 });
    await world.clock.advance(20_000);
    expect(world.received).toEqual([]);
  });

  it('the end of the session is the end of the delay [MQTT5-3.1.2-8]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', { ...lasting, will: will(1000) });
    client.vanish();
    await world.settle();
    await world.clock.advance(100_000);
    expect(world.received).toMatchObject([{ topic: 'wills/d1' }]);
  });

  it('DISCONNECT with another reason than success publishes it [MQTT5-3.14.4-3]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', { ...five(), will: will(0) });
    client.send({ type: 'disconnect', reasonCode: 0x04 });
    await client.end();
    expect(world.received).toMatchObject([{ topic: 'wills/d1' }]);
    expect(world.disconnected).toMatchObject([{ reason: 'CLIENT_INITIATED_DISCONNECT' }]);
  });
});

describe('limits of the whole server', () => {
  it('strangers that say nothing make room for those that come later', async () => {
    await using world = new MqttWorld({ limits: { maxPendingConnections: 2 } });
    const silent = [world.open(), world.open(), world.open()];
    await silent[0]?.end();
    expect(silent.map(({ ended }) => ended)).toEqual([true, false, false]);
    expect(await world.open().connect()).toMatchObject({ returnCode: 0 });
    expect(world.server.counters.violations).toEqual({ maxPendingConnections: 2 });
  });

  it('a session too many is refused, with the limit for who can be told', async () => {
    await using world = new MqttWorld({ limits: { maxSessions: 1 } });
    const first = await world.client('d1');
    const late = await world.open().connect({ ...five(), clientId: 'd2' });
    expect(late).toMatchObject({ returnCode: 0x97 });
    expect(late.properties?.reasonString).toMatch(/maxSessions is 1/);
    expect(await world.open().connect({ clientId: 'd3' })).toMatchObject({ returnCode: 3 });
    expect(world.server.counters.violations).toEqual({ maxSessions: 2 });
    first.vanish();
    await world.settle();
    expect(await world.open().connect({ clientId: 'd2' })).toMatchObject({ returnCode: 0 });
  });
});
