import { describe, expect, it } from 'vitest';
import { MqttWorld } from '../../test/mqtt-world.ts';
import { MemorySessionStore } from '../session/memory-session-store.ts';
import type { SessionChange, SessionStore } from '../session/session-store.ts';

const KEEP = { cleanSession: false };

/** A store whose commits end when the test says so. */
class GatedStore implements SessionStore {
  readonly inner = new MemorySessionStore();
  readonly commits: {
    changes: readonly SessionChange[];
    resolve: () => void;
    reject: (error: Error) => void;
  }[] = [];
  open = true;

  load() {
    return this.inner.load();
  }

  async commit(changes: readonly SessionChange[]): Promise<void> {
    if (!this.open) {
      await new Promise<void>((resolve, reject) => this.commits.push({ changes, resolve, reject }));
    }
    await this.inner.commit(changes);
  }
}

describe('after a restart', () => {
  it('a session has its subscriptions and its messages, in order', async () => {
    const store = new MemorySessionStore();
    const before = await MqttWorld.start({ store });
    const client = await before.subscriber('d1', ['a', '$share/g/b'], KEEP);
    client.vanish();
    await before.settle();
    for (const text of ['1', '2', '3']) before.server.publish('a', text, { qos: 1 });
    await before.server.stop();
    await using world = await MqttWorld.start({ store });
    expect(world.server.counters.sessions).toBe(1);
    expect(world.server.publish('b', '4', { qos: 1 })).toBe(1);
    const again = world.open();
    expect(await again.connect({ clientId: 'd1', ...KEEP })).toMatchObject({ sessionPresent: true });
    for (const text of ['1', '2', '3', '4']) {
      expect((await again.nextPublish()).payload.toString()).toBe(text);
    }
  });

  it('what was sent and not acknowledged comes again with its identifier, what was acknowledged does not', async () => {
    const store = new MemorySessionStore();
    const before = await MqttWorld.start({ store });
    const client = await before.client('d1', KEEP);
    client.subscribe(1, ['a', 2]);
    await client.next();
    for (const text of ['1', '2', '3']) before.server.publish('a', text, { qos: text === '3' ? 2 : 1 });
    const [first, second, third] = [
      await client.nextPublish(),
      await client.nextPublish(),
      await client.nextPublish(),
    ];
    client.ack(second.packetId);
    client.send({ type: 'pubrec', packetId: third.packetId });
    await client.nextOf('pubrel');
    await before.server.stop();
    await using world = await MqttWorld.start({ store });
    const again = await world.client('d1', KEEP);
    expect(await again.nextPublish()).toEqual({ ...first, dup: true });
    expect(await again.next()).toEqual({ type: 'pubrel', packetId: third.packetId });
    world.server.publish('a', '4', { qos: 1 });
    const fourth = await again.nextPublish();
    expect([first.packetId, third.packetId]).not.toContain(fourth.packetId);
  });

  it('what its sender keeps is not there: the sender sends it anew', async () => {
    const store = new MemorySessionStore();
    const before = await MqttWorld.start({ store });
    const client = await before.subscriber('d1', ['a'], KEEP);
    client.vanish();
    await before.settle();
    const lost = before.server.deliver('d1', 'a', 'sent anew', { transient: true });
    before.server.publish('a', 'kept', { qos: 1 });
    await before.server.stop();
    expect(await lost).toBe('dropped');
    await using world = await MqttWorld.start({ store });
    const again = await world.client('d1', KEEP);
    expect((await again.nextPublish()).payload.toString()).toBe('kept');
    await world.settle();
    expect(again.inbox).toEqual([]);
  });

  it('a QoS 2 message that was received counts once still [MQTT-4.3.3-2]', async () => {
    const store = new MemorySessionStore();
    const before = await MqttWorld.start({ store });
    const client = await before.client('d1', KEEP);
    client.publish('a', 'x', { qos: 2, packetId: 5 });
    await client.nextOf('pubrec');
    await before.server.stop();
    await using world = await MqttWorld.start({ store });
    const again = await world.client('d1', KEEP);
    again.publish('a', 'x', { qos: 2, packetId: 5, dup: true });
    await again.nextOf('pubrec');
    expect(world.received).toEqual([]);
    again.send({ type: 'pubrel', packetId: 5 });
    await again.nextOf('pubcomp');
    await world.server.stop();
    expect((await store.load()).sessions).toMatchObject([{ unreleased: [] }]);
  });

  it('retained messages are there, those that were cleared are not', async () => {
    const store = new MemorySessionStore();
    const before = await MqttWorld.start({ store });
    for (const topic of ['a', 'b']) before.server.publish(topic, 'kept', { retain: true, qos: 1 });
    before.server.publish('b', '', { retain: true });
    await before.server.stop();
    await using world = await MqttWorld.start({ store });
    const client = await world.subscriber('d1', ['#']);
    expect(await client.nextPublish()).toMatchObject({ topic: 'a', retain: true });
    await world.settle();
    expect(client.inbox).toEqual([]);
  });

  it('a session ends when its time is over, while the server was down or after', async () => {
    const store = new MemorySessionStore();
    const before = await MqttWorld.start({ store });
    const five = (sessionExpiryInterval: number) => ({
      protocolLevel: 5 as const,
      properties: { sessionExpiryInterval },
    });
    await before.client('short', five(10));
    await before.client('long', five(1000));
    await before.client('none', five(0));
    await before.server.stop();
    before.clock.jumpTo(before.clock.now() + 20_000);
    await using world = await MqttWorld.start({ store, clock: before.clock });
    await world.clock.advance(0);
    expect(world.server.counters.sessions).toBe(1);
    await world.clock.advance(980_000);
    expect(world.server.counters.sessions).toBe(0);
    await world.settle();
    expect((await store.load()).sessions).toEqual([]);
  });

  it('nothing is served before what the store holds is known', async () => {
    await using world = new MqttWorld({ store: new MemorySessionStore() });
    await world.open().end();
  });
});

describe('what a packet promises is durable before it is sent', () => {
  it('PUBACK, SUBACK and PUBREC wait for the commit, in order', async () => {
    const store = new GatedStore();
    await using world = await MqttWorld.start({ store });
    const away = await world.subscriber('d2', ['a'], KEEP);
    away.vanish();
    const client = await world.client('d1', KEEP);
    store.open = false;
    client.subscribe(1, ['b', 1]);
    client.publish('a', 'x', { qos: 1, packetId: 2 });
    client.publish('a', 'y', { qos: 2, packetId: 3 });
    await world.settle();
    expect(client.inbox).toEqual([]);
    store.open = true;
    for (const { resolve } of store.commits) resolve();
    expect((await client.next()).type).toBe('suback');
    expect((await client.next()).type).toBe('puback');
    expect((await client.next()).type).toBe('pubrec');
  });

  it('a commit that fails is tried again, and until then nothing is acknowledged', async () => {
    const store = new GatedStore();
    await using world = await MqttWorld.start({ store });
    const away = await world.subscriber('d2', ['a'], KEEP);
    away.vanish();
    const client = await world.client('d1', { ...KEEP, keepAlive: 1200 });
    await world.settle();
    store.open = false;
    client.publish('a', 'x', { qos: 1, packetId: 2 });
    await world.settle();
    store.commits[0]?.reject(new Error('disk full'));
    await world.settle();
    expect(client.inbox).toEqual([]);
    expect(world.server.counters.commitsFailed).toBe(1);
    store.open = true;
    await world.clock.advance(1000);
    expect(await client.next()).toEqual({ type: 'puback', packetId: 2 });
    const { sessions } = await store.load();
    const deliveries = sessions.find(({ clientId }) => clientId === 'd2')?.deliveries;
    expect(deliveries?.map(({ message }) => message.payload.toString())).toEqual(['x']);
  });

  it('many publishers share a commit', async () => {
    const store = new GatedStore();
    let commits = 0;
    const inner = store.commit.bind(store);
    store.commit = (changes) => {
      commits += 1;
      return inner(changes);
    };
    await using world = await MqttWorld.start({ store });
    const away = await world.subscriber('d0', ['a'], KEEP);
    away.vanish();
    const clients = await Promise.all([1, 2, 3, 4, 5].map((index) => world.client(`d${index}`)));
    await world.settle();
    commits = 0;
    const publish = { type: 'publish', topic: 'a', qos: 1, dup: false, retain: false } as const;
    const packets = Array.from({ length: 20 }, (_, index) => ({ ...publish, packetId: index + 1 }));
    for (const client of clients) {
      client.send(...packets.map((packet) => ({ ...packet, payload: Buffer.from('x') })));
    }
    await world.settle();
    expect(clients.map(({ inbox }) => inbox.length)).toEqual([20, 20, 20, 20, 20]);
    expect(commits).toBeLessThan(10);
  });

  it('a clean session of 3.1.1 costs the store nothing', async () => {
    const store = new MemorySessionStore();
    await using world = await MqttWorld.start({ store });
    const client = await world.subscriber('d1', ['a']);
    world.server.publish('a', 'x', { qos: 1 });
    await client.nextPublish();
    expect((await store.load()).sessions).toEqual([]);
  });
});
