import { describe, expect, it } from 'vitest';
import { DEEDS, type Deed, type Seen } from '../../test/limit-deeds.ts';
import { MqttWorld } from '../../test/mqtt-world.ts';
import type { ScriptedClient } from '../../test/scripted-client.ts';
import type { ProtocolLevel } from '../codec/packets.ts';
import type { LimitExceeded } from './hooks.ts';
import { defaultLimits, type MqttLimits } from './limits.ts';

const FIVE = { protocolLevel: 5 as const, properties: { sessionExpiryInterval: 60 }, cleanSession: false };

async function world({ limits, hooks }: Pick<Deed, 'limits' | 'hooks'>) {
  const reports: LimitExceeded[] = [];
  const made = new MqttWorld({
    limits,
    hooks: {
      limitExceeded: (facts: LimitExceeded) => void reports.push(facts),
      sessionOwner: () => 'me',
      ...hooks,
    },
  });
  return { made, reports };
}

interface Answer {
  returnCode?: number;
  returnCodes?: number[];
  reasonCode?: number;
  properties?: { reasonString?: string };
}

function expectSeen(client: ScriptedClient, seen: Seen, limit: string, value: unknown): void {
  const last = client.inbox.at(-1);
  expect(last?.type).toBe(seen.packet);
  expect(client.ended).toBe(seen.ends === true);
  const { returnCodes, returnCode, reasonCode, properties } = (last ?? {}) as Answer;
  if (seen.code !== undefined) expect(returnCodes?.at(-1) ?? returnCode ?? reasonCode).toBe(seen.code);
  if (seen.properties) expect(properties).toMatchObject(seen.properties);
  const text = properties?.reasonString ?? '';
  expect(seen.named === true).toBe(text.includes(limit));
  if (seen.named) expect(text).toContain(String(value));
}

const LIMITS = Object.keys(DEEDS) as (keyof MqttLimits)[];

describe.each<[string, 'five' | 'three', ProtocolLevel]>([
  ['MQTT 5', 'five', 5],
  ['MQTT 3.1.1', 'three', 4],
])('a client of %s that goes beyond', (_, version, level) => {
  it.each(LIMITS.filter((limit) => DEEDS[limit][version]))(
    '%s is told what can be told; it is counted, and its owner hears of it',
    async (limit) => {
      const deed: Deed = DEEDS[limit];
      const { made, reports } = await world(deed);
      await using server = made;
      const client = await deed.exceed(server, level);
      await server.settle();
      if (deed[version]?.ends) await client.end();
      expectSeen(client, deed[version] ?? {}, limit, deed.limits[limit]);
      const counted = deed.counted.includes(level);
      expect(server.server.counters.violations).toEqual(counted ? { [limit]: 1 } : {});
      await server.clock.advance(1000);
      const report = { clientId: 'd1', owner: 'me', limit, count: 1, detail: expect.stringContaining(limit) };
      expect(reports).toEqual(counted && !deed.stranger ? [report] : []);
    },
  );
});

it('every limit has a default', () => {
  expect(Object.keys(defaultLimits).sort()).toEqual([...LIMITS].sort());
});

describe('a client of MQTT 5 that goes beyond a limit in another packet', () => {
  const others: [keyof MqttLimits, Partial<MqttLimits>, (client: ScriptedClient) => void, Seen][] = [
    [
      'maxTopicLevels',
      { maxTopicLevels: 2 },
      (client) => client.subscribe(1, ['a/b/c', 0]),
      { packet: 'suback', code: 0x97, named: true },
    ],
    [
      'maxTopicLength',
      { maxTopicLength: 3 },
      (client) => client.subscribe(1, ['long', 0]),
      { packet: 'suback', code: 0x97, named: true },
    ],
    [
      'maxPayloadSize',
      { maxPayloadSize: 10 },
      (client) => client.publish('a', 'x'.repeat(11)),
      { packet: 'disconnect', code: 0x95, named: true, ends: true },
    ],
    [
      'maxRetainedMessages',
      { maxRetainedMessages: 0 },
      (client) => client.publish('a', 'x', { qos: 2, packetId: 1, retain: true }),
      { packet: 'pubrec', code: 0, named: true },
    ],
  ];
  it.each(others)('%s (%j) is told so there', async (limit, limits, deed, seen) => {
    await using server = new MqttWorld({ limits });
    const client = await server.client('d1', FIVE);
    deed(client);
    await server.settle();
    expectSeen(client, seen, limit, limits[limit]);
    expect(server.server.counters.violations).toEqual({ [limit]: 1 });
  });
});

describe('a client that exceeds a limit', () => {
  it('floods the embedder with no more than one report a second', async () => {
    const { made, reports } = await world({ limits: { maxPublishRate: 10 } });
    await using server = made;
    const client = await server.client('d1', FIVE);
    for (let sent = 0; sent < 30; sent += 1) client.publish('a', 'x');
    await server.settle();
    for (let second = 0; second < 5; second += 1) await server.clock.advance(1000);
    expect(reports.length).toBeGreaterThan(0);
    expect(reports.length).toBeLessThanOrEqual(5);
    expect(reports.reduce((sum, { count }) => sum + count, 0)).toBe(
      server.server.counters.violations.maxPublishRate,
    );
  });

  it('while it is away has what its queue had no room for in its own name, not in the publisher’s', async () => {
    const { made, reports } = await world({ limits: { maxQueuedMessages: 2 } });
    await using server = made;
    const away = await server.subscriber('d1', ['a'], FIVE);
    away.vanish();
    await server.settle();
    const other = await server.client('d2');
    for (let sent = 0; sent < 5; sent += 1) other.publish('a', 'x', { qos: 1, packetId: sent + 1 });
    await server.settle();
    await server.clock.advance(1000);
    expect(reports).toMatchObject([{ clientId: 'd1', owner: 'me', limit: 'maxQueuedMessages', count: 3 }]);
  });
});
