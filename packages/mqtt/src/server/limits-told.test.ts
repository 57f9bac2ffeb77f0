import { describe, expect, it } from 'vitest';
import { MqttWorld } from '../../test/mqtt-world.ts';
import type { ScriptedClient } from '../../test/scripted-client.ts';
import type { LimitExceeded } from './hooks.ts';
import type { MqttLimits } from './limits.ts';

const FIVE = { protocolLevel: 5 as const, properties: { sessionExpiryInterval: 60 }, cleanSession: false };

/** What a client of MQTT 5 does to exceed each limit, and the reason code that it is told. */
const DEEDS: [keyof MqttLimits, Partial<MqttLimits>, (client: ScriptedClient) => void, number][] = [
  ['maxSubscriptions', { maxSubscriptions: 1 }, (client) => client.subscribe(1, ['a', 0], ['b', 0]), 0x97],
  [
    'maxFiltersPerSubscribe',
    { maxFiltersPerSubscribe: 1 },
    (client) => client.subscribe(1, ['a', 0], ['b', 0]),
    0x97,
  ],
  ['maxTopicLevels', { maxTopicLevels: 2 }, (client) => client.subscribe(1, ['a/b/c', 0]), 0x97],
  ['maxTopicLength', { maxTopicLength: 3 }, (client) => client.subscribe(1, ['long', 0]), 0x97],
  [
    'maxPayloadSize',
    { maxPayloadSize: 10 },
    (client) => client.publish('a', 'x'.repeat(11), { qos: 1, packetId: 1 }),
    0x97,
  ],
  ['maxPayloadSize', { maxPayloadSize: 10 }, (client) => client.publish('a', 'x'.repeat(11)), 0x95],
  ['maxPacketSize', { maxPacketSize: 100 }, (client) => client.publish('a', 'x'.repeat(101)), 0x95],
];

async function world(limits: Partial<MqttLimits>) {
  const reports: LimitExceeded[] = [];
  const hooks = {
    limitExceeded: (facts: LimitExceeded) => void reports.push(facts),
    sessionOwner: () => 'me',
  };
  return { made: new MqttWorld({ limits, hooks }), reports };
}

describe('a client that exceeds a limit', () => {
  it.each(DEEDS)(
    '%s (%j) is told which, and so are the embedder and the counters',
    async (limit, limits, deed, code) => {
      const { made, reports } = await world(limits);
      await using server = made;
      const client = await server.client('d1', FIVE);
      deed(client);
      const answer = await client.next();
      const codes =
        'returnCodes' in answer ? answer.returnCodes : [(answer as { reasonCode?: number }).reasonCode];
      expect(codes).toContain(code);
      const { properties } = answer as { properties?: { reasonString?: string } };
      expect(properties?.reasonString).toContain(limit);
      expect(properties?.reasonString).toContain(String(limits[limit]));
      expect(server.server.counters.violations[limit]).toBe(1);
      await server.clock.advance(1000);
      expect(reports).toMatchObject([{ clientId: 'd1', owner: 'me', limit, count: 1 }]);
    },
  );

  it('floods the embedder with no more than one report a second', async () => {
    const { made, reports } = await world({ maxPublishRate: 10 });
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
    const { made, reports } = await world({ maxQueuedMessages: 2 });
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
