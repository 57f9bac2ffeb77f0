import { describe, expect, it } from 'vitest';
import { type Identity, MqttWorld, type WorldOptions } from '../../test/mqtt-world.ts';
import { MemorySessionStore } from '../session/memory-session-store.ts';

/** Who may hear which topics; everybody may subscribe to everything. */
class Rules {
  readonly hearing = new Map<string, Set<string>>();

  of(...entries: [string, string[]][]): this {
    for (const [client, topics] of entries) this.hearing.set(client, new Set(topics));
    return this;
  }

  world(more: WorldOptions = {}): WorldOptions {
    const mayReceive = ({ clientId }: Identity, topic: string) =>
      this.hearing.get(clientId)?.has(topic) ?? false;
    return { hooks: { mayReceive }, ...more };
  }
}

const payloads = (client: { inbox: { type: string }[] }) =>
  client.inbox.flatMap((packet) => ('payload' in packet ? [String(packet.payload)] : []));

describe('a message', () => {
  it('goes only to those subscribers that may receive it, from clients and from the server', async () => {
    const rules = new Rules().of(['a', ['news/a', 'news/all']], ['b', ['news/b', 'news/all']]);
    await using world = new MqttWorld(rules.world());
    const a = await world.subscriber('a', ['news/#']);
    const b = await world.subscriber('b', ['#']);
    const publisher = await world.client('p');
    for (const topic of ['news/a', 'news/b', 'news/all']) publisher.publish(topic, `client ${topic}`);
    await world.settle();
    for (const topic of ['news/a', 'news/b', 'news/all']) world.server.publish(topic, `server ${topic}`);
    await world.settle();
    expect(payloads(a)).toEqual(['client news/a', 'client news/all', 'server news/a', 'server news/all']);
    expect(payloads(b)).toEqual(['client news/b', 'client news/all', 'server news/b', 'server news/all']);
    expect(world.server.counters.messagesDropped).toBe(0);
  });

  it('of the server is not given to who has it already, by no subscription', async () => {
    await using world = new MqttWorld();
    const a = await world.subscriber('a', ['news/#', '$share/all/news/#']);
    const b = await world.subscriber('b', ['news/#']);
    world.server.publish('news/a', 'hello', { qos: 1, except: 'a' });
    await world.settle();
    expect([payloads(a), payloads(b)]).toEqual([[], ['hello']]);
  });

  it('that is retained comes only to who may receive it', async () => {
    const rules = new Rules().of(['a', ['news/a']]);
    await using world = new MqttWorld(rules.world());
    for (const topic of ['news/a', 'news/b']) world.server.publish(topic, topic, { retain: true });
    const a = await world.subscriber('a', ['news/#']);
    await world.settle();
    expect(payloads(a)).toEqual(['news/a']);
  });

  it('of a shared subscription passes over members that may not receive it (5.0, 4.8.2)', async () => {
    const rules = new Rules().of(['a', ['news/a']], ['b', ['news/b']]);
    await using world = new MqttWorld(rules.world());
    const a = await world.subscriber('a', ['$share/all/news/#']);
    const b = await world.subscriber('b', ['$share/all/news/#']);
    for (let n = 0; n < 4; n += 1) world.server.publish('news/a', `a${n}`);
    for (let n = 0; n < 4; n += 1) world.server.publish('news/b', `b${n}`);
    await world.settle();
    expect([payloads(a), payloads(b)]).toEqual([
      ['a0', 'a1', 'a2', 'a3'],
      ['b0', 'b1', 'b2', 'b3'],
    ]);
  });

  it('is not kept for an absent client that might not receive it', async () => {
    const rules = new Rules().of(['a', ['news/a']]);
    await using world = new MqttWorld(rules.world());
    const a = await world.subscriber('a', ['news/#'], { cleanSession: false });
    a.stream.destroy();
    await world.settle();
    for (const topic of ['news/a', 'news/b']) world.server.publish(topic, topic, { qos: 1 });
    rules.of(['a', ['news/a', 'news/b']]);
    const back = await world.client('a', { cleanSession: false });
    await world.settle();
    expect(payloads(back)).toEqual(['news/a']);
  });

  it('that was kept is not delivered any more when the right to it has gone, nor again', async () => {
    const rules = new Rules().of(['a', ['news/a', 'news/b']]);
    await using world = new MqttWorld(rules.world());
    const a = await world.subscriber('a', ['news/#'], { cleanSession: false });
    world.server.publish('news/b', 'in flight', { qos: 1 });
    await world.settle();
    expect(payloads(a)).toEqual(['in flight']);
    a.stream.destroy();
    await world.settle();
    for (const topic of ['news/a', 'news/b']) world.server.publish(topic, topic, { qos: 1 });
    rules.of(['a', ['news/a']]);
    const back = await world.client('a', { cleanSession: false });
    await world.settle();
    expect(payloads(back)).toEqual(['news/a']);
  });

  it('that a restarted server kept for somebody whom it does not know yet is looked at before it is sent', async () => {
    const rules = new Rules().of(['a', ['news/a']]);
    const store = new MemorySessionStore();
    const before = await MqttWorld.start(rules.world({ store }));
    const a = await before.subscriber('a', ['news/#'], { cleanSession: false });
    a.stream.destroy();
    await before.settle();
    await before.server.stop();
    await using after = await MqttWorld.start(rules.world({ store }));
    for (const topic of ['news/b', 'news/a']) after.server.publish(topic, topic, { qos: 1 });
    const back = await after.client('a', { cleanSession: false });
    await after.settle();
    expect(payloads(back)).toEqual(['news/a']);
  });

  it('of a shared subscription passes over those who may not receive it, also when a restart has made them unknown', async () => {
    const rules = new Rules().of(['a', ['news/a']], ['b', ['news/b']]);
    const { mayReceive } = rules.world().hooks ?? {};
    const asked: string[] = [];
    const options: WorldOptions = {
      store: new MemorySessionStore(),
      hooks: {
        mayReceive,
        sessionOwner: ({ clientId }) => `owner of ${clientId}`,
        receivesWhileAway: (owner, clientId) => {
          asked.push(`${clientId}, ${owner}`);
          return (topic) => mayReceive?.({ clientId }, topic) === true;
        },
      },
    };
    const before = await MqttWorld.start(options);
    for (const id of ['a', 'b']) await before.subscriber(id, ['$share/all/news/#'], { cleanSession: false });
    await before.server.stop();
    expect(asked).toEqual([]);
    await using after = await MqttWorld.start(options);
    for (let n = 0; n < 4; n += 1) after.server.publish('news/a', `away ${n}`, { qos: 1 });
    const a = await after.client('a', { cleanSession: false });
    for (let n = 0; n < 4; n += 1) after.server.publish('news/a', `here ${n}`, { qos: 1 });
    const b = await after.client('b', { cleanSession: false });
    await after.settle();
    const own = ['away', 'here'].flatMap((when) => [0, 1, 2, 3].map((n) => `${when} ${n}`));
    expect([payloads(a), payloads(b)]).toEqual([own, []]);
    expect(asked).toEqual(['a, owner of a', 'b, owner of b']);
    // From here on it is the client itself that is asked about.
    rules.of(['a', []], ['b', ['news/a']]);
    after.server.publish('news/a', 'moved', { qos: 1 });
    await after.settle();
    expect(payloads(b)).toEqual(['moved']);
  });
});
