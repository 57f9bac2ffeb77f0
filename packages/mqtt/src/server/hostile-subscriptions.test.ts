import { describe, expect, it, vi } from 'vitest';
import { Bystander } from '../../test/bystander.ts';
import { MqttWorld } from '../../test/mqtt-world.ts';
import type { ScriptedClient } from '../../test/scripted-client.ts';
import { buildPacket } from '../codec/codec.ts';
import type { Packet, Qos } from '../codec/packets.ts';

const FIVE = { protocolLevel: 5 as const, cleanSession: false, properties: { sessionExpiryInterval: 60 } };

const UNPACED = { maxSubscribeRate: Number.POSITIVE_INFINITY };

const MAP_ITERATORS: Iterator<unknown> = Object.getPrototypeOf(new Map().values());

/** Looks into maps, and steps over them, while something is done: what it costs, on any machine. */
function looksOf(work: () => unknown): number {
  const spies = [vi.spyOn(Map.prototype, 'get'), vi.spyOn(MAP_ITERATORS, 'next')];
  try {
    work();
    return spies.reduce((sum, { mock }) => sum + mock.calls.length, 0);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

function subscribeTo(packetId: number, filters: string[], qos: Qos = 1): Packet {
  return { type: 'subscribe', packetId, subscriptions: filters.map((filter) => ({ filter, qos })) };
}

async function subscribed(client: ScriptedClient, filters: string[]): Promise<void> {
  for (let at = 0; at < filters.length; at += 8) {
    client.send(subscribeTo(1, filters.slice(at, at + 8)));
    await client.nextOf('suback');
  }
}

describe('ten thousand subscriptions', () => {
  it('of one client are fifty: each beyond is refused, told by its limit, and counted', async () => {
    await using world = new MqttWorld({ limits: UNPACED });
    const bystander = await Bystander.in(world);
    const client = await world.client('d1', FIVE);
    const codes: number[] = [];
    for (let at = 0; at < 10_000; at += 8) {
      client.send(
        subscribeTo(
          1,
          Array.from({ length: 8 }, (_, index) => `many/${at + index}`),
        ),
      );
      const { returnCodes, properties } = await client.nextOf('suback');
      codes.push(...returnCodes);
      if (returnCodes.includes(0x97))
        expect(properties?.reasonString).toContain('maxSubscriptions, which is 50');
      if (at % 1000 === 0) await bystander.isServed();
    }
    expect(codes.filter((code) => code === 1)).toHaveLength(50);
    expect(codes.filter((code) => code === 0x97)).toHaveLength(9950);
    expect(world.server.counters.violations).toEqual({ maxSubscriptions: 9950 });
  });

  it('in one packet are answered one by one, and the reason string says of a few why', async () => {
    await using world = new MqttWorld();
    const bystander = await Bystander.in(world);
    const client = await world.client('d1', FIVE);
    const filters = Array.from({ length: 10_000 }, (_, index) => `many/${index}`);
    client.send(subscribeTo(1, filters));
    const { returnCodes, properties } = await client.nextOf('suback');
    expect(returnCodes).toHaveLength(10_000);
    expect(returnCodes.filter((code) => code === 1)).toHaveLength(8);
    expect(properties?.reasonString).toMatch(
      /many\/8: beyond maxFiltersPerSubscribe, which is 8;.*9984 others/,
    );
    client.send({ type: 'unsubscribe', packetId: 2, filters });
    expect((await client.nextOf('unsuback')).reasonCodes).toHaveLength(10_000);
    await bystander.isServed();
  });

  it('of two hundred clients cost who publishes elsewhere nothing', async () => {
    await using world = new MqttWorld();
    const bystander = await Bystander.in(world);
    await world.subscriber('other', ['other/a/+']);
    const publish = () => world.server.publish('other/a/b', 'x');
    const before = looksOf(publish);
    for (let index = 0; index < 200; index += 1) {
      const client = await world.client(`d${index}`, FIVE);
      const filters = Array.from({ length: 50 }, (_, each) => `many/${index}/${each}/+`);
      await subscribed(client, filters);
    }
    expect(looksOf(publish)).toBe(before);
    expect(looksOf(() => world.server.publish('many/7/7/x', 'x'))).toBeLessThan(30);
    await bystander.isServed();
  }, 30_000);
});

describe('a deep tree of +/+/+', () => {
  /** Every way to write eight levels as themselves or as `+`, and each beginning of them with `#`. */
  function everyFilter(): string[] {
    const filters: string[] = [];
    for (let bits = 0; bits < 256; bits += 1) {
      const levels = Array.from({ length: 8 }, (_, level) => ((bits >> level) & 1 ? '+' : `l${level}`));
      filters.push(levels.join('/'));
      if (bits < 128) filters.push([...levels.slice(0, 7), '#'].join('/'));
    }
    return filters;
  }

  it('costs a publish as many looks as it has branches that match, and not those beside them', async () => {
    await using world = new MqttWorld();
    const bystander = await Bystander.in(world);
    const filters = everyFilter();
    for (let at = 0; at < filters.length; at += 50)
      await subscribed(await world.client(`d${at}`, FIVE), filters.slice(at, at + 50));
    const topic = 'l0/l1/l2/l3/l4/l5/l6/l7';
    const publish = () => world.server.publish(topic, 'x');
    expect(publish()).toBe(Math.ceil(filters.length / 50));
    // Two branches on each of eight levels, three looks at each of them, and two for each subscription.
    const looks = looksOf(publish);
    expect(looks).toBeLessThan(3 * 2 ** 9 + 2 * filters.length);
    for (let index = 0; index < 20; index += 1) {
      const beside = Array.from({ length: 50 }, (_, each) => `+/+/+/+/+/+/beside/${index}-${each}`);
      await subscribed(await world.client(`beside${index}`, FIVE), beside);
    }
    expect(looksOf(publish)).toBe(looks);
    await bystander.isServed();
  });

  it('is not searched deeper than it is by a topic of sixty thousand levels', async () => {
    await using world = new MqttWorld();
    await subscribed(await world.client('d1', FIVE), everyFilter().slice(0, 50));
    expect(looksOf(() => world.server.publish('/'.repeat(60_000), 'x'))).toBeLessThan(3 * 2 ** 9);
  });
});

describe('a flood of SUBSCRIBE and UNSUBSCRIBE', () => {
  /** Matches only what stands behind all the others. */
  const SEARCH = '+/+/+/x/x/x/x/last';

  async function worldWithTopics(): Promise<MqttWorld> {
    const world = new MqttWorld({ limits: UNPACED });
    for (let index = 0; index < 9999; index += 1)
      world.server.publish(`r/${index % 10}/${index}/x/x/x/x/x`, 'x', { retain: true });
    world.server.publish('r/z/z/x/x/x/x/last', 'found', { retain: true });
    return world;
  }

  it('is read at maxSubscribeRate, and all of it is answered in the end', async () => {
    await using world = new MqttWorld();
    const bystander = await Bystander.in(world);
    const client = await world.client('d1', { ...FIVE, keepAlive: 1200 });
    const pair = [subscribeTo(1, ['a']), { type: 'unsubscribe' as const, packetId: 2, filters: ['a'] }];
    client.send(...Array.from({ length: 250 }, () => pair).flat());
    await bystander.isServed();
    await world.settle();
    // A burst, and the one too many.
    expect(client.inbox).toHaveLength(101);
    for (let second = 1; second <= 4; second += 1) {
      await world.clock.advance(1000);
      expect(client.inbox.length).toBeLessThanOrEqual(101 + 100 * second);
      await bystander.isServed();
    }
    expect(client.inbox).toHaveLength(500);
    expect(world.server.counters.violations).toEqual({ maxSubscribeRate: 400 });
  });

  it('for a search among all retained topics leaves the turns of the loop to others', async () => {
    await using world = await worldWithTopics();
    const bystander = await Bystander.in(world);
    const client = await world.client('d1', FIVE);
    client.send(subscribeTo(1, [SEARCH]));
    await client.nextOf('suback');
    let served = 0;
    for (; client.inbox.length === 0 && served < 100; served += 1) await bystander.isServed();
    expect(await client.nextPublish()).toMatchObject({ payload: Buffer.from('found'), retain: true });
    expect(served).toBeGreaterThan(1);
  });

  it('is answered, at a search for each turn and not for each packet', async () => {
    await using world = await worldWithTopics();
    const bystander = await Bystander.in(world);
    const clients = [await world.client('d1', FIVE), await world.client('d2', FIVE)];
    const round = Buffer.concat([
      buildPacket(subscribeTo(1, Array(8).fill(SEARCH)), 5),
      buildPacket({ type: 'unsubscribe', packetId: 2, filters: [SEARCH] }, 5),
    ]);
    for (let sent = 0; sent < 20; sent += 1) {
      for (const client of clients) client.sendBytes(Buffer.concat(Array(100).fill(round)));
      await bystander.isServed();
    }
    await world.settle();
    for (const client of clients) {
      const types = client.inbox.filter(({ type }) => type !== 'publish').map(({ type }) => type);
      expect(types).toHaveLength(4000);
      expect(client.ended).toBe(false);
    }
    expect(world.server.publish('r/z/z/x/x/x/x/last', 'x')).toBe(0);
  });

  it('of a client that reads no answers is not read', async () => {
    await using world = new MqttWorld({ limits: UNPACED });
    const bystander = await Bystander.in(world);
    const client = await world.client('d1', FIVE);
    client.stream.pause();
    const chunk = Buffer.concat(Array(500).fill(buildPacket(subscribeTo(1, ['a']), 5)));
    for (let sent = 0; sent < 130; sent += 1) client.sendBytes(chunk);
    for (let turn = 0; turn < 20; turn += 1) await bystander.isServed();
    expect(client.stream.writableLength).toBeGreaterThan(0);
    client.stream.resume();
    for (let turn = 0; client.stream.writableLength > 0 && turn < 100; turn += 1) await bystander.isServed();
    await world.settle();
    expect(client.inbox).toHaveLength(65_000);
  });
});

describe('members that come to a shared subscription and go', () => {
  const SHARED = '$share/workers/jobs/+';

  it('take no message away from it: each is acknowledged by one member, whoever left in between', async () => {
    await using world = new MqttWorld();
    const bystander = await Bystander.in(world);
    const steady = await world.subscriber('steady', [SHARED], FIVE);
    const done: string[] = [];
    const work = async () => {
      await world.settle();
      for (const packet of steady.inbox.splice(0)) {
        if (packet.type !== 'publish') continue;
        done.push(packet.payload.toString());
        steady.ack(packet.packetId);
      }
    };
    for (let round = 0; round < 50; round += 1) {
      // They take their share, acknowledge nothing, and leave: it goes to who is still there.
      const fleeting = [0, 1, 2].map((each) => world.subscriber(`f${round}-${each}`, [SHARED]));
      const there = await Promise.all(fleeting);
      for (let job = 0; job < 8; job += 1) world.server.publish(`jobs/${job}`, `${round}.${job}`, { qos: 1 });
      await work();
      for (const client of there) client.vanish();
      await work();
      await bystander.isServed();
    }
    await work();
    expect(done).toHaveLength(400);
    expect(new Set(done).size).toBe(400);
    expect(world.server.counters).toMatchObject({ sessions: 2, queuedBytes: 0, messagesDropped: 0 });
    steady.send({ type: 'unsubscribe', packetId: 2, filters: [SHARED] });
    await steady.nextOf('unsuback');
    expect(world.server.publish('jobs/1', 'x', { qos: 1 })).toBe(0);
  });

  it('by a flood of SUBSCRIBE and UNSUBSCRIBE leave the others their turns', async () => {
    await using world = new MqttWorld({ limits: UNPACED });
    const members = [await world.subscriber('m1', [SHARED]), await world.subscriber('m2', [SHARED])];
    const churn = await world.client('churn', FIVE);
    for (let round = 0; round < 200; round += 1) {
      churn.send(subscribeTo(1, [SHARED], 0), { type: 'unsubscribe', packetId: 2, filters: [SHARED] });
      await world.settle();
      for (let job = 0; job < 2; job += 1) world.server.publish('jobs/1', 'x');
    }
    await world.settle();
    const heard = members.map(({ inbox }) => inbox.length);
    expect(heard[0]).toBe(200);
    expect(heard[1]).toBe(200);
    expect(churn.inbox.filter(({ type }) => type === 'publish')).toEqual([]);
  });
});
