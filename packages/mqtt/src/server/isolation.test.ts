import { memoryConnection } from '@ioto/testkit/memory-duplex';
import { settle } from '@ioto/testkit/virtual-clock';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyPacket } from '../../test/arbitrary-packets.ts';
import { MqttWorld } from '../../test/mqtt-world.ts';
import { ScriptedClient } from '../../test/scripted-client.ts';
import { buildPacket } from '../codec/codec.ts';
import { buildPublish } from '../codec/publish.ts';

const NOTHING = { payload: Buffer.alloc(0), dup: false, retain: false };

describe('nothing that one client does reaches another', () => {
  it('a subscriber that stops reading keeps nobody waiting, and its queue is bounded', async () => {
    await using world = new MqttWorld({ limits: { maxQueuedMessages: 50 } });
    const stuck = await world.subscriber('stuck', ['a'], { cleanSession: false });
    const well = await world.subscriber('well', ['a']);
    stuck.stream.pause();
    const payload = 'x'.repeat(10_000);
    for (let index = 0; index < 200; index += 1) {
      world.server.publish('a', payload, { qos: 0 });
      await new Promise((resolve) => setImmediate(resolve));
    }
    await world.settle();
    expect(well.inbox).toHaveLength(200);
    expect(world.server.counters.messagesDropped).toBeGreaterThan(100);
    expect(world.server.isConnected('stuck')).toBe(true);
  });

  it('a subscriber that takes nothing for the stall timeout is dropped, its session kept', async () => {
    await using world = new MqttWorld();
    const stuck = await world.subscriber('stuck', ['a'], { cleanSession: false, keepAlive: 1200 });
    stuck.stream.pause();
    for (let index = 0; index < 10; index += 1) world.server.publish('a', 'x'.repeat(20_000), { qos: 1 });
    await world.clock.advance(240_000);
    expect(world.disconnected).toMatchObject([{ reason: 'THROTTLED', limit: 'stallTimeout' }]);
    const again = await world.client('stuck', { cleanSession: false });
    expect(await again.nextPublish()).toMatchObject({ dup: true });
  });

  it('a client that reads no answers is not read either, and loses nothing', async () => {
    await using world = new MqttWorld({
      limits: { maxWriteBuffer: 1000, maxPublishRate: Number.POSITIVE_INFINITY },
    });
    const client = await world.client('d1');
    client.stream.pause();
    const publish = buildPublish({ ...NOTHING, topic: 'a', qos: 1, packetId: 1 }, 4);
    for (let index = 0; index < 40; index += 1) client.sendBytes(Buffer.concat(Array(1000).fill(publish)));
    await settle(300);
    expect(world.received.length).toBeGreaterThan(1000);
    expect(world.received.length).toBeLessThan(30_000);
    client.stream.resume();
    await settle(1000);
    expect(world.received).toHaveLength(40_000);
    expect(client.inbox).toHaveLength(40_000);
  });

  it('any bytes after any beginning end that connection at most', async () => {
    await using world = new MqttWorld();
    const other = await world.subscriber('other', ['a']);
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 100 }),
        fc.boolean(),
        async (bytes, connected) => {
          const client = connected ? await world.client('wild') : world.open();
          client.sendBytes(Buffer.from(bytes));
          await new Promise((resolve) => setImmediate(resolve));
          client.vanish();
          world.server.publish('a', 'still here');
          expect((await other.nextPublish()).payload.toString()).toBe('still here');
        },
      ),
      { numRuns: 100 },
    );
    expect(world.server.isConnected('other')).toBe(true);
  });
});

describe('whatever a client says in the wrong place', () => {
  it.each([[4 as const], [5 as const]])('costs nobody else anything, at level %i', async (level) => {
    await using world = new MqttWorld({ limits: { maxPublishRate: Number.POSITIVE_INFINITY } });
    const other = await world.subscriber('other', ['still/here']);
    await fc.assert(
      fc.asyncProperty(fc.array(anyPacket[level], { minLength: 1, maxLength: 8 }), async (packets) => {
        const properties = { sessionExpiryInterval: 10, topicAliasMaximum: 3, receiveMaximum: 2 };
        const wild = await world.client('wild', { protocolLevel: level, cleanSession: false, properties });
        wild.sendBytes(Buffer.concat(packets.map((packet) => buildPacket(packet, level))));
        await settle(2);
        wild.vanish();
        world.server.publish('still/here', 'yes');
        expect((await other.nextPublish()).payload.toString()).toBe('yes');
      }),
      { numRuns: 150 },
    );
    expect(world.server.isConnected('other')).toBe(true);
    expect(world.disconnected.filter(({ reason }) => reason === 'SERVER_ERROR')).toEqual([]);
  });

  it('a client with ten thousand subscriptions costs the publishers of others no search among them', async () => {
    await using world = new MqttWorld({
      limits: { maxSubscriptions: 20_000, maxFiltersPerSubscribe: 20_000, maxPacketSize: 1e6 },
    });
    const many = await world.client('many');
    const filters = Array.from({ length: 10_000 }, (_, index): [string, 0] => [`many/${index}/+`, 0]);
    many.subscribe(1, ...filters);
    await many.nextOf('suback');
    await world.subscriber('other', ['a']);
    const started = performance.now();
    for (let index = 0; index < 1000; index += 1) world.server.publish('a', 'x');
    expect(performance.now() - started).toBeLessThan(500);
    expect(world.server.publish('many/77/x', 'x')).toBe(1);
  });
});

describe('stop', () => {
  it('closes every connection and settles every delivery', async () => {
    const world = new MqttWorld();
    const client = await world.subscriber('d1', ['a'], { cleanSession: false });
    const will = { topic: 'w', payload: Buffer.alloc(0), qos: 0 as const, retain: false };
    const idle = world.open();
    const other = await world.client('d2', { will });
    const outcome = world.server.deliver('d1', 'a', 'x');
    await world.server.stop();
    expect(await outcome).toBe('dropped');
    for (const each of [client, idle, other]) await each.end();
    expect(world.disconnected.map(({ reason }) => reason)).toEqual([
      'SERVER_INITIATED_DISCONNECT',
      'SERVER_INITIATED_DISCONNECT',
    ]);
    expect(world.received).toEqual([]);
    expect(world.server.counters).toMatchObject({ connections: 0, sessions: 0 });
    await world.server.stop();
  });

  it('refuses streams that come later', async () => {
    const world = new MqttWorld();
    await world.server.stop();
    const [near, far] = memoryConnection();
    const late = new ScriptedClient(near);
    world.server.accept(far, { remoteAddress: '192.0.2.1' });
    await late.end();
  });

  it('leaves no timer behind but those of lingering streams', async () => {
    const world = new MqttWorld();
    const client = await world.subscriber('d1', ['a'], { cleanSession: false });
    client.vanish();
    await world.client('d2');
    await world.server.stop();
    await world.settle();
    expect(world.clock.pending).toBe(0);
  });
});

it('`disconnect` closes with the reason that is given and keeps the session', async () => {
  await using world = new MqttWorld();
  const client = await world.subscriber('d1', ['a'], { cleanSession: false });
  expect(world.server.disconnect('d1', 'FORBIDDEN_ACCESS', 'revoked')).toBe(true);
  expect(world.server.disconnect('d1', 'FORBIDDEN_ACCESS')).toBe(false);
  await client.end();
  expect(world.disconnected).toMatchObject([{ reason: 'FORBIDDEN_ACCESS', detail: 'revoked' }]);
  expect(world.server.publish('a', 'x', { qos: 1 })).toBe(1);
});
