import { describe, expect, it } from 'vitest';
import { type Identity, MqttWorld } from '../../test/mqtt-world.ts';
import type { ConnectPacket, MqttHooks } from '../index.ts';

/** Two tenants whose clients may choose any client ID; the user name says whose one is. */
const tenants: Partial<MqttHooks<Identity>> = {
  authenticate: async ({ clientId, username }: ConnectPacket) => ({
    accept: true,
    principal: { clientId },
    sessionId: `${username} ${clientId}`,
  }),
};

const of = (username: string) => ({ username, cleanSession: false });

describe('clients with the same client ID under different session IDs', () => {
  it('do not take each other over; the same session ID does', async () => {
    await using world = new MqttWorld({ hooks: tenants });
    const a = await world.client('console', of('a'));
    const b = await world.client('console', of('b'));
    await world.settle();
    expect([a.ended, b.ended]).toEqual([false, false]);
    const again = await world.client('console', of('a'));
    await world.settle();
    expect([a.ended, b.ended, again.ended]).toEqual([true, false, false]);
    expect(world.disconnected.map(({ clientId, reason }) => [clientId, reason])).toEqual([
      ['console', 'DUPLICATE_CLIENTID'],
    ]);
  });

  it('have sessions of their own, which the server names by the session ID', async () => {
    await using world = new MqttWorld({ hooks: tenants });
    const a = await world.subscriber('console', ['news'], of('a'));
    await world.client('console', of('b'));
    expect([world.server.isConnected('a console'), world.server.isConnected('console')]).toEqual([
      true,
      false,
    ]);
    expect(world.server.disconnect('a console', 'SERVER_INITIATED_DISCONNECT')).toBe(true);
    await world.settle();
    expect(a.ended).toBe(true);
    expect(world.server.isConnected('b console')).toBe(true);
    world.server.publish('news', 'for a', { qos: 1 });
    const back = world.open();
    expect((await back.connect({ clientId: 'console', ...of('a') })).sessionPresent).toBe(true);
    expect((await back.nextPublish()).payload.toString()).toBe('for a');
  });

  it('are told nothing of it', async () => {
    await using world = new MqttWorld({ hooks: tenants });
    const client = world.open();
    const connack = await client.connect({ clientId: '', username: 'a', protocolLevel: 5 });
    expect(connack.properties?.assignedClientIdentifier).toMatch(/^auto-/);
    expect(world.connected[0]?.clientId).toBe(connack.properties?.assignedClientIdentifier);
  });

  it('hear what the other publishes also with no local [MQTT5-3.8.3-3]', async () => {
    await using world = new MqttWorld({ hooks: tenants });
    const a = await world.client('console', { username: 'a', protocolLevel: 5 });
    const b = await world.client('console', { username: 'b', protocolLevel: 5 });
    a.send({
      type: 'subscribe',
      packetId: 1,
      subscriptions: [{ filter: 'news', qos: 0, noLocal: true }],
    });
    await a.next();
    a.publish('news', 'own');
    b.publish('news', "the other's");
    expect((await a.nextPublish()).payload.toString()).toBe("the other's");
  });
});
