import { describe, expect, it } from 'vitest';
import { Bystander } from '../../test/bystander.ts';
import { MqttWorld, type WorldOptions } from '../../test/mqtt-world.ts';
import type { ScriptedClient } from '../../test/scripted-client.ts';
import type { Packet } from '../codec/packets.ts';
import { MemorySessionStore } from '../session/memory-session-store.ts';
import { DELIVERY_COST } from '../session/message.ts';
import type { LimitExceeded } from './hooks.ts';

const KEEP = { protocolLevel: 5 as const, cleanSession: false, properties: { sessionExpiryInterval: 600 } };
const GREEDY = 30;
const MESSAGES = 100;
const SIZE = 1000 + DELIVERY_COST;
/** So that one owner’s sessions could fill what there is for all many times over. */
const limits = { maxQueuedBytesInAll: 8 * MESSAGES * SIZE, maxQueuedBytesOfOwner: 2 * MESSAGES * SIZE };

/** A server on which `greedy-7` is a session of `greedy`, however it came to be. */
async function worldOfOwners(options: WorldOptions = {}) {
  const reports: LimitExceeded[] = [];
  const world = await MqttWorld.start({
    limits,
    ...options,
    hooks: {
      sessionOwner: ({ clientId }) => `device ${clientId.split('-')[0]} 1`,
      queueOwner: (owner) => owner.split(' ')[1],
      sessionGroup: (owner) => (owner.includes('free') ? undefined : owner),
      limitExceeded: (facts) => void reports.push(facts),
    },
  });
  return { world, reports };
}

function publish({ server }: MqttWorld, topic: string, text: string | number): number {
  return server.publish(topic, String(text).padEnd(1000 - topic.length), { qos: 1 });
}

/** Sessions of one owner that subscribe and go away. */
async function manyAway(world: MqttWorld): Promise<void> {
  for (let index = 0; index < GREEDY; index += 1) {
    const client = await world.subscriber(`greedy-${index}`, ['news'], KEEP);
    client.vanish();
  }
  await world.settle();
}

/** Acknowledges all that comes, and returns it. */
async function readAll(world: MqttWorld, client: ScriptedClient): Promise<string[]> {
  const texts: string[] = [];
  for (await world.settle(); client.inbox.length > 0; await world.settle()) {
    const messages = client.inbox.splice(0).filter((packet) => packet.type === 'publish');
    texts.push(...messages.map(({ payload }) => payload.toString().trim()));
    client.send(...messages.map(({ packetId }): Packet => ({ type: 'puback', packetId })));
  }
  return texts;
}

const ALL = Array.from({ length: MESSAGES }, (_, index) => String(index));

describe('an owner whose many sessions are full', () => {
  it('costs up to maxQueuedBytesOfOwner, and those of another lose nothing, away or slow', async () => {
    const { world, reports } = await worldOfOwners();
    await using _ = world;
    const bystander = await Bystander.in(world);
    await manyAway(world);
    (await world.subscriber('modest-away', ['letters'], KEEP)).vanish();
    await world.settle();
    const slow = await world.subscriber('slow-1', ['letters'], KEEP);
    for (const text of ALL) {
      publish(world, 'news', text);
      expect(publish(world, 'letters', text)).toBe(2);
      await bystander.isServed();
    }
    const most = limits.maxQueuedBytesOfOwner + 2 * MESSAGES * SIZE;
    expect(world.server.counters.queuedBytes).toBe(most);
    expect(world.server.counters.violations).toEqual({
      maxQueuedBytesOfOwner: GREEDY * MESSAGES - 2 * MESSAGES,
    });
    await world.clock.advance(1000);
    expect(new Set(reports.map(({ owner }) => owner))).toEqual(new Set(['device greedy 1']));
    expect(await readAll(world, slow)).toEqual(ALL);
    expect(await readAll(world, await world.client('modest-away', KEEP))).toEqual(ALL);
    expect(world.server.counters.queuedBytes).toBe(limits.maxQueuedBytesOfOwner);
  });

  it('is held to it by what a store has kept of them, until they end', async () => {
    const store = new MemorySessionStore();
    const { world: before } = await worldOfOwners({ store });
    await manyAway(before);
    for (const text of ALL) publish(before, 'news', text);
    await before.settle();
    await before.server.stop();
    const { world } = await worldOfOwners({ store });
    await using _ = world;
    expect(world.server.counters.queuedBytes).toBe(limits.maxQueuedBytesOfOwner);
    expect(publish(world, 'news', 'more')).toBe(0);
    (await world.subscriber('modest-1', ['letters'], KEEP)).vanish();
    await world.settle();
    for (const text of ALL) expect(publish(world, 'letters', text)).toBe(1);
    for (let index = 0; index < GREEDY; index += 1) world.server.dropSession(`greedy-${index}`);
    expect(world.server.counters).toMatchObject({ queuedBytes: MESSAGES * SIZE, queueOwners: 1 });
    await manyAway(world);
    expect(publish(world, 'news', 'more')).toBe(GREEDY);
  });

  it('still has a client of it that acknowledges what it is sent served', async () => {
    const { world } = await worldOfOwners();
    await using _ = world;
    await manyAway(world);
    for (const text of ALL) publish(world, 'news', text);
    const reader = await world.subscriber('greedy-reader', ['letters'], KEEP);
    for (const text of ALL) {
      expect(publish(world, 'letters', text)).toBe(1);
      expect(await readAll(world, reader)).toEqual([text]);
    }
  });
});

describe('an owner that makes ever more sessions', () => {
  const most = { limits: { maxSessionsOfOwner: 3 } };
  const returnCode = async (world: MqttWorld, clientId: string, options: object = KEEP) => {
    const client = world.open();
    const connack = await client.connect({ clientId, ...options });
    client.vanish();
    await world.settle();
    if (connack.returnCode)
      expect(connack.properties?.reasonString).toBe(
        'the owner of the client holds 3 sessions; maxSessionsOfOwner is 3',
      );
    return connack.returnCode;
  };

  it('ends at maxSessionsOfOwner, connected or not; who has one gets in, others do not notice', async () => {
    const { world } = await worldOfOwners(most);
    await using _ = world;
    await world.client('greedy-0', KEEP);
    for (const id of ['greedy-1', 'greedy-2']) expect(await returnCode(world, id)).toBe(0);
    for (const id of ['greedy-3', 'greedy-4']) expect(await returnCode(world, id)).toBe(0x97);
    expect(await returnCode(world, 'greedy-2')).toBe(0);
    expect(await returnCode(world, 'greedy-1', { ...KEEP, cleanSession: true })).toBe(0);
    expect(await returnCode(world, 'modest-1')).toBe(0);
    for (let index = 0; index < 9; index += 1) expect(await returnCode(world, `free-${index}`)).toBe(0);
    expect(world.server.counters).toMatchObject({ sessions: 13, violations: { maxSessionsOfOwner: 2 } });
  });

  it('has room for as many as have ended: expired, dropped, replaced, or gone with their connections', async () => {
    const { world } = await worldOfOwners(most);
    await using _ = world;
    const fill = async () => {
      for (const id of ['greedy-0', 'greedy-1', 'greedy-2']) expect(await returnCode(world, id)).toBe(0);
      expect(await returnCode(world, 'greedy-3')).toBe(0x97);
    };
    await fill();
    for (let again = 0; again < 3; again += 1)
      expect(await returnCode(world, 'greedy-0', { ...KEEP, cleanSession: true })).toBe(0);
    await fill();
    await world.clock.advance(600_000);
    await fill();
    world.server.dropSession('greedy-1');
    world.server.dropSession('greedy-1');
    for (let again = 0; again < 3; again += 1)
      expect(await returnCode(world, 'greedy-4', { protocolLevel: 5 })).toBe(0);
    await fill();
  });

  it('is held to it by the sessions that a store has kept, until they end', async () => {
    const store = new MemorySessionStore();
    const { world: before } = await worldOfOwners({ ...most, store });
    for (const id of ['greedy-0', 'greedy-1', 'greedy-2']) expect(await returnCode(before, id)).toBe(0);
    await before.server.stop();
    const { world } = await worldOfOwners({ ...most, store });
    await using _ = world;
    expect(await returnCode(world, 'greedy-3')).toBe(0x97);
    expect(await returnCode(world, 'greedy-0')).toBe(0);
    world.server.dropSession('greedy-0');
    expect(await returnCode(world, 'greedy-3')).toBe(0);
    expect(await returnCode(world, 'greedy-0')).toBe(0x97);
  });
});
