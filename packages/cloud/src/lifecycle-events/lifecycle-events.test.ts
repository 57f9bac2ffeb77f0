import { until } from '@ioto/testkit/until';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DevicePrincipal } from '../ports/device-endpoint.ts';
import { everyRight } from '../ports/every-right.fixture.ts';
import { CloudWorld, type WorldDevice } from '../websocket/cloud-world.fixture.ts';
import { LifecycleEvents } from './lifecycle-events.ts';

describe('lifecycle events', () => {
  const device: DevicePrincipal = {
    ...{ kind: 'device', deviceId: 'D', accountId: 'A', generation: 1, serial: '0a', dialect: 'current' },
    rights: everyRight,
  };
  const connection = { clientId: 'D', connectionId: 'C' };

  it('say what AWS IoT says', () => {
    const told: [string, Record<string, unknown>][] = [];
    const clock = new VirtualClock();
    const events = new LifecycleEvents(clock, (topic, payload) => told.push([topic, JSON.parse(payload)]));
    events.connected(device, connection, { remoteAddress: '192.0.2.1' });
    events.subscribed(device, connection, ['a/#']);
    events.unsubscribed(device, connection, ['a/#']);
    events.disconnected(device, connection, { reason: 'CLIENT_INITIATED_DISCONNECT', detail: '' });
    events.disconnected(device, connection, { reason: 'CONNECTION_LOST', detail: '' });
    const common = {
      ...{ clientId: 'D', timestamp: clock.now(), sessionIdentifier: 'C', principalIdentifier: '0a' },
    };
    const at = clock.now();
    const presence = '$aws/events/presence';
    const subscriptions = '$aws/events/subscriptions';
    expect(told).toEqual([
      [
        `${presence}/connected/D`,
        { ...common, eventType: 'connected', versionNumber: at, ipAddress: '192.0.2.1' },
      ],
      [`${subscriptions}/subscribed/D`, { ...common, eventType: 'subscribed', topics: ['a/#'] }],
      [`${subscriptions}/unsubscribed/D`, { ...common, eventType: 'unsubscribed', topics: ['a/#'] }],
      [
        `${presence}/disconnected/D`,
        {
          ...common,
          ...{ eventType: 'disconnected', versionNumber: at + 1, clientInitiatedDisconnect: true },
          disconnectReason: 'CLIENT_INITIATED_DISCONNECT',
        },
      ],
      [
        `${presence}/disconnected/D`,
        {
          ...common,
          ...{ eventType: 'disconnected', versionNumber: at + 2, clientInitiatedDisconnect: false },
          disconnectReason: 'CONNECTION_LOST',
        },
      ],
    ]);
  });
});

describe('a tool that subscribes to $aws/events/#', () => {
  let world: CloudWorld;
  let own: WorldDevice;
  let foreign: WorldDevice;

  beforeAll(async () => {
    world = await CloudWorld.create();
    own = await world.device(await world.account('Own'));
    foreign = await world.device(await world.account('Foreign'));
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  async function listeningTool(accountId: string) {
    const answer = await world.admin('/account/getCreds', { accountId });
    const tool = await world.tool(answer.json as never, 'console');
    const heard: { topic: string; event: Record<string, unknown> }[] = [];
    tool.on('message', (topic, payload) => heard.push({ topic, event: JSON.parse(payload.toString()) }));
    await tool.subscribeAsync('$aws/events/#', { qos: 1 });
    return { tool, heard };
  }

  it('hears how its devices come, subscribe and go, in order, and nothing of others', async () => {
    const { heard } = await listeningTool(own.accountId);
    const others = await listeningTool(foreign.accountId);
    const device = await world.connectDevice(own);
    await device.subscribeAsync(`ioto/device/${own.id}/#`);
    await device.unsubscribeAsync(`ioto/device/${own.id}/#`);
    await device.endAsync();
    await until('all of it', () => heard.length === 4);
    expect(heard.map(({ topic }) => topic)).toEqual([
      `$aws/events/presence/connected/${own.id}`,
      `$aws/events/subscriptions/subscribed/${own.id}`,
      `$aws/events/subscriptions/unsubscribed/${own.id}`,
      `$aws/events/presence/disconnected/${own.id}`,
    ]);
    const [connected, subscribed, , disconnected] = heard.map(({ event }) => event);
    expect(connected).toMatchObject({ eventType: 'connected', clientId: own.id, ipAddress: '127.0.0.1' });
    expect(subscribed).toMatchObject({ topics: [`ioto/device/${own.id}/#`] });
    expect(disconnected).toMatchObject({
      ...{ clientInitiatedDisconnect: true, disconnectReason: 'CLIENT_INITIATED_DISCONNECT' },
      sessionIdentifier: connected?.sessionIdentifier,
    });
    expect(Number(disconnected?.versionNumber)).toBeGreaterThan(Number(connected?.versionNumber));
    expect(others.heard).toEqual([]);
  });

  it('cannot be deceived by a client that publishes one', async () => {
    const { tool, heard } = await listeningTool(own.accountId);
    tool.on('error', () => undefined);
    const ended = new Promise<void>((resolve) => tool.on('close', () => resolve()));
    tool.publish(`$aws/events/presence/connected/${own.id}`, '{}');
    await ended;
    expect(heard).toEqual([]);
  });
});
