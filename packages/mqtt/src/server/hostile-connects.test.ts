import { describe, expect, it } from 'vitest';
import { Bystander } from '../../test/bystander.ts';
import { MqttWorld } from '../../test/mqtt-world.ts';
import { connectPacket, type ScriptedClient } from '../../test/scripted-client.ts';
import { buildPacket } from '../codec/codec.ts';

const FIVE = { protocolLevel: 5 as const, cleanSession: false, properties: { sessionExpiryInterval: 60 } };

/** PUBLISH and CONNECT that announce as much as four bytes of length can say. */
const LARGEST_CONNECT = [0x10, 0xff, 0xff, 0xff, 0x7f];
const LARGEST_PUBLISH = [0x30, 0xff, 0xff, 0xff, 0x7f];

function many<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

describe('two hundred CONNECTs with one client ID', () => {
  it('leave one connection and one session; each but the last is told that it was taken over', async () => {
    await using world = new MqttWorld();
    const bystander = await Bystander.in(world);
    const timers = world.clock.pending;
    const clients = many(200, () => world.open());
    for (const client of clients) client.send(connectPacket({ clientId: 'd1', ...FIVE }));
    await bystander.isServed();
    await world.settle();
    const last = clients.pop() as ScriptedClient;
    for (const client of clients) {
      expect(client.inbox).toMatchObject([{ type: 'connack' }, { type: 'disconnect', reasonCode: 0x8e }]);
      expect(client.ended).toBe(true);
    }
    expect(last.inbox).toMatchObject([{ type: 'connack', returnCode: 0, sessionPresent: true }]);
    expect(world.server.counters).toMatchObject({
      connections: 2,
      sessions: 2,
      takeovers: 199,
      disconnects: { DUPLICATE_CLIENTID: 199 },
    });
    await world.clock.advance(1000);
    // Its keep-alive, and the watch over what it was sent last.
    expect(world.clock.pending).toBe(timers + 2);
    await bystander.isServed();
  });

  it('while the embedder takes its time leave one, too, whichever it lets in first', async () => {
    const waiting: (() => void)[] = [];
    await using world = new MqttWorld({
      hooks: {
        authenticate: async ({ clientId }) => {
          if (clientId === 'd1') await new Promise<void>((resolve) => waiting.push(resolve));
          return { accept: true, principal: { clientId } };
        },
      },
    });
    const bystander = await Bystander.in(world);
    const clients = many(200, () => world.open());
    for (const client of clients) client.send(connectPacket({ clientId: 'd1' }));
    await world.settle();
    await bystander.isServed();
    for (const go of waiting.reverse()) go();
    await world.settle();
    expect(clients.filter(({ ended }) => !ended)).toEqual([clients[0]]);
    expect(world.server.counters).toMatchObject({ connections: 2, sessions: 2, takeovers: 199 });
  });
});

describe('a storm of reconnects', () => {
  it('of one device keeps one session and one timer, and what waits for it comes when it stays', async () => {
    await using world = new MqttWorld();
    const bystander = await Bystander.in(world);
    const options = { ...FIVE, keepAlive: 60 };
    (await world.subscriber('d1', ['a'], options)).vanish();
    await world.settle();
    world.server.publish('a', 'kept', { qos: 1 });
    const timers = world.clock.pending;
    const held = world.server.counters.queuedBytes;
    for (let time = 0; time < 300; time += 1) {
      (await world.client('d1', options)).vanish();
      if (time % 50 === 0) await bystander.isServed();
    }
    await world.settle();
    expect(world.clock.pending).toBe(timers);
    expect(world.server.counters).toMatchObject({ connections: 1, sessions: 2, queuedBytes: held });
    const stays = await world.client('d1', options);
    expect(await stays.nextPublish()).toMatchObject({ payload: Buffer.from('kept'), dup: true });
  });

  it('of five hundred clients, each with a subscription, leaves nothing behind', async () => {
    await using world = new MqttWorld();
    const bystander = await Bystander.in(world);
    const timers = world.clock.pending;
    for (let wave = 0; wave < 5; wave += 1) {
      const clients = many(100, () => world.open());
      for (const [index, client] of clients.entries()) {
        client.send(connectPacket({ clientId: `d${wave}-${index}` }));
        client.subscribe(1, ['storm/+', 1]);
      }
      await bystander.isServed();
      expect(world.server.publish('storm/x', 'x', { qos: 1 })).toBe(100);
      for (const client of clients) client.vanish();
      await world.settle();
    }
    expect(world.server.publish('storm/x', 'x', { qos: 1 })).toBe(0);
    expect(world.clock.pending).toBe(timers);
    expect(world.server.counters).toMatchObject({ connections: 1, sessions: 1, queuedBytes: 0 });
  });

  it('that leaves sessions behind ends at maxSessions, and who has one still gets in', async () => {
    await using world = new MqttWorld({ limits: { maxSessions: 50 } });
    const bystander = await Bystander.in(world);
    (await world.client('d0', FIVE)).vanish();
    for (let index = 1; index <= 100; index += 1) {
      const client = world.open();
      const { returnCode, properties } = await client.connect({ clientId: `d${index}`, ...FIVE });
      expect(returnCode).toBe(index < 49 ? 0 : 0x97);
      if (returnCode) expect(properties?.reasonString).toContain('maxSessions is 50');
      client.vanish();
    }
    await bystander.isServed();
    expect(world.server.counters).toMatchObject({ sessions: 50, violations: { maxSessions: 52 } });
    await world.client('d0', FIVE);
  });
});

describe('a byte a second', () => {
  it('of a CONNECT ends at connectTimeout, however many do so', async () => {
    await using world = new MqttWorld();
    const bystander = await Bystander.in(world);
    const connect = buildPacket(connectPacket({ clientId: 'slow', ...FIVE }), 5);
    const strangers = many(100, () => world.open());
    for (let second = 0; second < 10; second += 1) {
      for (const stranger of strangers) stranger.sendBytes(connect.subarray(second, second + 1));
      await bystander.isServed();
      expect(strangers.filter(({ ended }) => ended)).toEqual([]);
      await world.clock.advance(1000);
    }
    for (const stranger of strangers) await stranger.end();
    expect(world.server.counters).toMatchObject({ connections: 1, violations: { connectTimeout: 100 } });
    await bystander.isServed();
  });

  it('of a PUBLISH is silence: it ends at 1.5 times the keep-alive, and the client is told so', async () => {
    await using world = new MqttWorld();
    const bystander = await Bystander.in(world);
    const slow = await world.client('slow', { ...FIVE, keepAlive: 30 });
    slow.sendBytes([0x30, 0xff, 0xff, 0x07]);
    for (let second = 0; second < 45; second += 1) {
      expect(slow.ended).toBe(false);
      slow.sendBytes([0]);
      await world.clock.advance(1000);
    }
    await slow.end();
    expect(slow.inbox).toMatchObject([{ type: 'disconnect', reasonCode: 0x8d }]);
    expect(world.disconnected).toMatchObject([{ reason: 'MQTT_KEEP_ALIVE_TIMEOUT' }]);
    await bystander.isServed();
  });
});

describe('256 MB that are announced', () => {
  it('before CONNECT end the connection at once, by maxConnectSize', async () => {
    await using world = new MqttWorld();
    const bystander = await Bystander.in(world);
    const before = process.memoryUsage().arrayBuffers;
    const strangers = many(100, () => world.open());
    for (const stranger of strangers) stranger.sendBytes(LARGEST_CONNECT);
    for (const stranger of strangers) await stranger.end();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
    expect(world.server.counters.violations).toEqual({ maxConnectSize: 100 });
    await bystander.isServed();
  });

  it('before CONNECT by a client that has said that it speaks MQTT 5 are answered with the limit', async () => {
    await using world = new MqttWorld();
    for (const cut of [0, 1, 3]) {
      const client = world.open();
      client.level = 5;
      const bytes = Buffer.from([...LARGEST_CONNECT, 0, 4, 0x4d, 0x51, 0x54, 0x54, 5, 2, 0, 60]);
      client.sendBytes(bytes.subarray(0, cut));
      await world.settle();
      client.sendBytes(bytes.subarray(cut));
      const answer = await client.nextOf('connack');
      expect(answer).toMatchObject({ returnCode: 0x95 });
      expect(answer.properties?.reasonString).toContain('maxConnectSize is 16384');
      await client.end();
    }
  });

  it('after CONNECT end the connection at once, and MQTT 5 is told maxPacketSize', async () => {
    await using world = new MqttWorld();
    const bystander = await Bystander.in(world);
    const five = await world.client('five', FIVE);
    const three = await world.client('three');
    for (const client of [five, three]) client.sendBytes(LARGEST_PUBLISH);
    const told = await five.nextOf('disconnect');
    expect(told).toMatchObject({ reasonCode: 0x95 });
    expect(told.properties?.reasonString).toContain('maxPacketSize is 135168');
    for (const client of [five, three]) await client.end();
    expect(world.server.counters.violations).toEqual({ maxPacketSize: 2 });
    await bystander.isServed();
  });
});
