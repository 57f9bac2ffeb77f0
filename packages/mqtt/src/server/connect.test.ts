import { describe, expect, it } from 'vitest';
import { MqttWorld } from '../../test/mqtt-world.ts';
import { connectPacket } from '../../test/scripted-client.ts';

describe('CONNECT', () => {
  it('is answered with CONNACK, and the embedder is told who came', async () => {
    await using world = new MqttWorld();
    const client = world.open();
    expect(await client.connect({ clientId: 'd1', keepAlive: 0 })).toEqual({
      type: 'connack',
      sessionPresent: false,
      returnCode: 0,
    });
    expect(world.connected).toMatchObject([
      {
        clientId: 'd1',
        sessionPresent: false,
        cleanSession: true,
        keepAlive: 1200,
        remoteAddress: '192.0.2.1',
      },
    ]);
    expect(world.server.isConnected('d1')).toBe(true);
  });

  it('a refusal carries its return code and closes the connection [MQTT-3.2.2-5]', async () => {
    await using world = new MqttWorld({
      hooks: { authenticate: async () => ({ accept: false, returnCode: 5, reason: 'revoked' }) },
    });
    const client = world.open();
    expect((await client.connect()).returnCode).toBe(5);
    await client.end();
    expect(world.server.counters).toMatchObject({ connectsRefused: 1, disconnects: { AUTH_ERROR: 1 } });
    expect(world.disconnected).toEqual([]);
  });

  it('is answered with 3, server unavailable, when authentication fails to work', async () => {
    await using world = new MqttWorld({
      hooks: { authenticate: () => Promise.reject(new Error('no store')) },
    });
    const client = world.open();
    expect((await client.connect()).returnCode).toBe(3);
    await client.end();
  });

  it('what a client sends ahead is handled after its CONNECT, in order', async () => {
    let admit = () => {};
    const gate = new Promise<void>((resolve) => {
      admit = resolve;
    });
    await using world = new MqttWorld({
      hooks: {
        authenticate: async ({ clientId }) => {
          await gate;
          return { accept: true, principal: { clientId } };
        },
      },
    });
    const client = world.open();
    client.send(connectPacket(), {
      type: 'subscribe',
      packetId: 7,
      subscriptions: [{ filter: 'a', qos: 0 }],
    });
    client.publish('a', 'hello');
    await world.settle();
    expect(client.inbox).toEqual([]);
    admit();
    expect(await client.next()).toMatchObject({ type: 'connack' });
    expect(await client.next()).toEqual({ type: 'suback', packetId: 7, returnCodes: [0] });
    expect(await client.next()).toMatchObject({ type: 'publish', topic: 'a' });
  });

  it('an empty client ID is replaced by one of the server with clean session [MQTT-3.1.3-6]', async () => {
    await using world = new MqttWorld();
    expect((await world.open().connect({ clientId: '' })).returnCode).toBe(0);
    expect((await world.open().connect({ clientId: '' })).returnCode).toBe(0);
    const [first, second] = world.connected;
    expect(first?.clientId).toMatch(/^auto-/);
    expect(first?.clientId).not.toBe(second?.clientId);
  });

  it.each([
    ['empty without clean session [MQTT-3.1.3-8]', { clientId: '', cleanSession: false }],
    ['longer than 128 bytes', { clientId: 'é'.repeat(65) }],
    ['that begins with $', { clientId: '$share' }],
  ])('a client ID %s is refused with 2', async (_, options) => {
    await using world = new MqttWorld();
    const client = world.open();
    expect((await client.connect(options)).returnCode).toBe(2);
    await client.end();
  });

  it.each([
    [6, [0x20, 3, 0, 0x84, 0]],
    [3, [0x20, 2, 0, 1]],
  ])('protocol level %i is refused in its own form', async (level, expected) => {
    await using world = new MqttWorld();
    const client = world.open();
    const answer: number[] = [];
    client.stream.removeAllListeners('data').on('data', (chunk: Buffer) => answer.push(...chunk));
    const body = [0, 4, ...Buffer.from('MQTT'), level, 2, 0, 0, 0, 0];
    client.sendBytes([0x10, body.length, ...body]);
    await client.end();
    expect(answer).toEqual(expected);
  });

  it('a second CONNECT closes the connection [MQTT-3.1.0-2]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1');
    client.send(connectPacket({ clientId: 'd1' }));
    await client.end();
    expect(world.disconnected).toMatchObject([
      { reason: 'CLIENT_ERROR', detail: expect.stringMatching(/MQTT-3\.1\.0-2/) },
    ]);
  });

  it('anything before CONNECT closes the connection [MQTT-3.1.0-1]', async () => {
    await using world = new MqttWorld();
    const client = world.open();
    client.send({ type: 'pingreq' });
    await client.end();
    expect(client.inbox).toEqual([]);
  });

  it('noise before CONNECT closes the connection at its first byte, whatever length it announces', async () => {
    await using world = new MqttWorld();
    const client = world.open();
    client.sendBytes([0xf0, 0xff, 0x03]);
    await client.end();
    expect(client.inbox).toEqual([]);
  });

  it('a client that does not say CONNECT in time is closed', async () => {
    await using world = new MqttWorld();
    const client = world.open();
    client.sendBytes([0x10]);
    await world.clock.advance(9_999);
    expect(client.ended).toBe(false);
    await world.clock.advance(1);
    await client.end();
    expect(world.server.counters.violations).toEqual({ connectTimeout: 1 });
  });

  it('a client whose authentication takes too long is closed, and let in no more', async () => {
    let finish = (_: { accept: true; principal: { clientId: string } }) => {};
    await using world = new MqttWorld({
      hooks: {
        authenticate: () =>
          new Promise((resolve) => {
            finish = resolve;
          }),
      },
    });
    const client = world.open();
    client.send(connectPacket());
    await world.settle();
    await world.clock.advance(10_000);
    await client.end();
    finish({ accept: true, principal: { clientId: 'device' } });
    await world.settle();
    expect(world.connected).toEqual([]);
    expect(world.server.isConnected('device')).toBe(false);
  });

  it('a stranger cannot make the server take a large packet before CONNECT', async () => {
    await using world = new MqttWorld();
    const client = world.open();
    client.sendBytes([0x10, 0xff, 0xff, 0xff, 0x7f]);
    await client.end();
    expect(world.server.counters.violations).toEqual({ maxConnectSize: 1 });
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('bug');
      },
    ],
    ['rejects', () => Promise.reject(new Error('bug'))],
  ])('an embedder whose hook %s loses this connection only', async (_, fail) => {
    let broken = true;
    const hook = () => (broken ? fail() : undefined);
    await using world = new MqttWorld({ hooks: { connected: hook } });
    const client = world.open();
    await client.connect();
    await client.end();
    expect(world.disconnected).toMatchObject([{ reason: 'SERVER_ERROR' }]);
    broken = false;
    expect((await world.open().connect()).returnCode).toBe(0);
  });
});

describe('take-over', () => {
  it('a second connection with the same client ID ends the first [MQTT-3.1.4-2]', async () => {
    await using world = new MqttWorld();
    const first = await world.client('d1');
    const second = await world.client('d1');
    await first.end();
    second.send({ type: 'pingreq' });
    expect(await second.next()).toEqual({ type: 'pingresp' });
    expect(world.disconnected).toMatchObject([{ clientId: 'd1', reason: 'DUPLICATE_CLIENTID' }]);
    expect(world.disconnected[0]?.connectionId).toBe(world.connected[0]?.connectionId);
    expect(world.server.isConnected('d1')).toBe(true);
  });

  it('two hundred CONNECTs with one ID leave one connection and one session', async () => {
    await using world = new MqttWorld();
    const clients = Array.from({ length: 200 }, () => world.open());
    for (const client of clients) client.send(connectPacket({ clientId: 'd1', cleanSession: false }));
    await world.settle();
    await world.settle();
    expect(clients.filter(({ ended }) => !ended)).toHaveLength(1);
    expect(world.server.counters).toMatchObject({ sessions: 1, takeovers: 199 });
    expect(world.server.counters.connections).toBe(1);
  });
});

describe('keep-alive', () => {
  it('silence for one and a half times the keep-alive closes the connection [MQTT-3.1.2-24]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', { keepAlive: 60 });
    await world.clock.advance(89_000);
    client.send({ type: 'pingreq' });
    expect(await client.next()).toEqual({ type: 'pingresp' });
    await world.clock.advance(89_999);
    expect(world.disconnected).toEqual([]);
    await world.clock.advance(1);
    await client.end();
    expect(world.disconnected).toMatchObject([{ reason: 'MQTT_KEEP_ALIVE_TIMEOUT' }]);
  });

  it.each([
    [5, 5],
    [0, 1200],
    [65_535, 1200],
  ])(
    'a keep-alive of %i s counts as %i s: in 3.1.1 a longer one could not be told [MQTT-3.1.2-24]',
    async (asked, given) => {
      await using world = new MqttWorld();
      await world.client('d1', { keepAlive: asked });
      await world.clock.advance(given * 1500 - 1);
      expect(world.disconnected).toEqual([]);
      await world.clock.advance(1);
      expect(world.disconnected).toHaveLength(1);
    },
  );

  it('bytes that never become a packet do not keep a connection', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', { keepAlive: 30 });
    client.sendBytes([0x30, 100]);
    for (let second = 0; second < 45; second += 1) {
      client.sendBytes([0]);
      await world.clock.advance(1000);
    }
    await client.end();
  });

  it('setting the wall clock closes nothing', async () => {
    await using world = new MqttWorld();
    await world.client('d1', { keepAlive: 60 });
    await world.clock.advance(1000);
    world.clock.jumpTo(world.clock.now() + 86_400_000);
    await world.clock.advance(89_000);
    expect(world.disconnected).toEqual([]);
  });
});

describe('will', () => {
  const will = { topic: 'wills/d1', payload: Buffer.from('gone'), qos: 1 as const, retain: false };

  it('is published when the client goes without DISCONNECT [MQTT-3.1.2-8]', async () => {
    await using world = new MqttWorld();
    const watcher = await world.subscriber('w', ['wills/#']);
    const client = await world.client('d1', { will });
    client.vanish();
    const message = await watcher.nextPublish();
    expect(message).toMatchObject({ topic: 'wills/d1', qos: 1, retain: false });
    expect(world.received).toMatchObject([{ from: 'd1', topic: 'wills/d1' }]);
    expect(world.disconnected).toMatchObject([{ reason: 'CONNECTION_LOST' }]);
  });

  it('is not published when the client has lost the right to its topic meanwhile', async () => {
    let allowed = true;
    await using world = new MqttWorld({ hooks: { mayPublish: () => allowed } });
    const watcher = await world.subscriber('w', ['wills/#']);
    const client = await world.client('d1', { will });
    allowed = false;
    client.stream.destroy();
    await world.settle();
    expect([watcher.inbox, world.received]).toEqual([[], []]);
  });

  it('is discarded by DISCONNECT [MQTT-3.14.4-3]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', { will });
    client.send({ type: 'disconnect' });
    await client.end();
    expect(world.received).toEqual([]);
    expect(world.disconnected).toMatchObject([{ reason: 'CLIENT_INITIATED_DISCONNECT' }]);
  });

  it('that the client may not publish refuses the connection', async () => {
    await using world = new MqttWorld({ hooks: { mayPublish: () => false } });
    const client = world.open();
    expect((await client.connect({ will })).returnCode).toBe(5);
    await client.end();
    expect(world.received).toEqual([]);
  });

  it('with a wildcard in its topic closes the connection', async () => {
    await using world = new MqttWorld();
    const client = world.open();
    client.send(connectPacket({ will: { ...will, topic: 'wills/+' } }));
    await client.end();
    expect(world.connected).toEqual([]);
  });
});
