import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { until } from '@ioto/testkit';
import mqtt, { type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Access } from './clients/client-program.ts';
import { deviceAccess } from './clients/device-access.ts';
import { MqttJs } from './clients/mqtt-js.ts';
import { toolKeys, toolOptions } from './mqtt-tool.ts';
import { type Owner, World } from './world.ts';

interface Event extends Record<string, unknown> {
  topic: string;
  eventType: string;
  sessionIdentifier: string;
  versionNumber: number;
}

const PRESENCE = '$aws/events/presence';
const SUBSCRIPTIONS = '$aws/events/subscriptions';

let world: World;
let lamp: Access;
/** Of another account. */
let kettle: Access;
let serial: string;
let tool: MqttClient;
let strangersTool: MqttClient;
/** What the tool of the lamp’s account has heard, in order. */
let heard: Event[];
let heardByStranger: Event[];

beforeAll(async () => {
  world = await World.create();
  const stranger = await world.newOwner('Second owner', 'second@example.com');
  [lamp, kettle] = await Promise.all([deviceAccess(world), deviceAccess(world, stranger)]);
  serial = new X509Certificate(await readFile(lamp.certificate)).serialNumber.toLowerCase();
  [tool, heard] = await listeningTool(world.owner);
  [strangersTool, heardByStranger] = await listeningTool(stranger);
});
afterAll(async () => {
  tool?.end(true);
  strangersTool?.end(true);
  await world?.[Symbol.asyncDispose]();
});
afterEach(() => {
  expect(heardByStranger.splice(0)).toEqual([]);
});

async function listeningTool(owner: Owner): Promise<[MqttClient, Event[]]> {
  const keys = await toolKeys(world, 'viewer', owner);
  const client = await mqtt.connectAsync(await toolOptions(world, keys, { clientId: 'console' }));
  const events: Event[] = [];
  client.on('message', (topic, payload) => events.push({ topic, ...JSON.parse(payload.toString()) }));
  await client.subscribeAsync('$aws/events/#', { qos: 1 });
  return [client, events];
}

async function connect(level: 4 | 5, device: Access = lamp): Promise<MqttClient> {
  const client = await mqtt.connectAsync(await new MqttJs(level).options(device));
  client.on('error', () => undefined);
  return client;
}

/** All that the tool hears until the last of these, which must be what it hears. */
async function told(...expected: string[]): Promise<Event[]> {
  await until(`${expected}`, () => heard.length >= expected.length);
  const events = heard.splice(0);
  expect(events.map(({ eventType }) => eventType)).toEqual(expected);
  return events;
}

const gone = (reason: string) => ({ clientInitiatedDisconnect: false, disconnectReason: reason });

describe.each([4, 5] as const)('a tool is told of a device of MQTT level %i', (level) => {
  it('when it connects, subscribes, unsubscribes and takes its leave, with the fields of AWS IoT', async () => {
    const device = await connect(level);
    const filters = [`ioto/device/${lamp.clientId}/#`, '$aws/certificates/#'];
    await device.subscribeAsync(filters, { qos: 1 });
    await device.unsubscribeAsync(filters[0] ?? '');
    await device.endAsync();
    const events = await told('connected', 'subscribed', 'unsubscribed', 'disconnected');
    const [connected, subscribed, unsubscribed, disconnected] = events;
    const common = {
      clientId: lamp.clientId,
      timestamp: expect.any(Number),
      sessionIdentifier: connected?.sessionIdentifier,
      principalIdentifier: serial,
    };
    expect(events).toEqual([
      {
        ...{ topic: `${PRESENCE}/connected/${lamp.clientId}`, ...common, eventType: 'connected' },
        ...{ ipAddress: '127.0.0.1', versionNumber: expect.any(Number) },
      },
      {
        ...{ topic: `${SUBSCRIPTIONS}/subscribed/${lamp.clientId}`, ...common },
        ...{ eventType: 'subscribed', topics: filters },
      },
      {
        ...{ topic: `${SUBSCRIPTIONS}/unsubscribed/${lamp.clientId}`, ...common },
        ...{ eventType: 'unsubscribed', topics: filters.slice(0, 1) },
      },
      {
        ...{ topic: `${PRESENCE}/disconnected/${lamp.clientId}`, ...common, eventType: 'disconnected' },
        ...{ clientInitiatedDisconnect: true, disconnectReason: 'CLIENT_INITIATED_DISCONNECT' },
        versionNumber: expect.any(Number),
      },
    ]);
    expect(connected?.sessionIdentifier).toMatch(/./);
    expect(disconnected?.versionNumber).toBeGreaterThan(Number(connected?.versionNumber));
    for (const { timestamp } of [connected, subscribed, unsubscribed, disconnected] as Event[]) {
      // Milliseconds, not seconds.
      expect(Math.abs(Date.now() - Number(timestamp))).toBeLessThan(60_000);
    }
  });

  it('when its power is cut', async () => {
    const filters = [`ioto/device/${lamp.clientId}/#`];
    await using device = await new MqttJs(level).listen(lamp, { filters, qos: 1 });
    await device.kill();
    const [connected, , disconnected] = await told('connected', 'subscribed', 'disconnected');
    expect(disconnected).toMatchObject(gone('CONNECTION_LOST'));
    expect(disconnected?.sessionIdentifier).toBe(connected?.sessionIdentifier);
  });

  it('when another connection takes its place: that the first is gone, and then that the second has come', async () => {
    const first = await connect(level);
    const second = await connect(level);
    await second.endAsync();
    const events = await told('connected', 'disconnected', 'connected', 'disconnected');
    const [came, left, cameAgain, leftAgain] = events;
    expect(left).toMatchObject({
      ...gone('DUPLICATE_CLIENTID'),
      sessionIdentifier: came?.sessionIdentifier,
    });
    expect(leftAgain?.sessionIdentifier).toBe(cameAgain?.sessionIdentifier);
    expect(cameAgain?.sessionIdentifier).not.toBe(came?.sessionIdentifier);
    const versions = events.map(({ versionNumber }) => versionNumber);
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
    first.end(true);
  });

  it('when it publishes what it may not; of a subscription that is refused there is nothing to tell', async () => {
    const device = await connect(level);
    const closed = new Promise<void>((resolve) => device.once('close', resolve));
    await expect(device.subscribeAsync(`ioto/device/${kettle.clientId}/#`)).rejects.toThrow();
    device.publish(`ioto/service/${kettle.clientId}/test/ping`, '{}', { qos: 0 });
    await closed;
    const [, disconnected] = await told('connected', 'disconnected');
    expect(disconnected).toMatchObject(gone('FORBIDDEN_ACCESS'));
  });

  it('when a policy sends it away; while it is not let in there is nothing to tell', async () => {
    const { accountId } = world.owner;
    const name = `out-${level}`;
    const statement = { Effect: 'Deny', Action: 'iot:Connect', Resource: '*' };
    const document = JSON.stringify({ Version: '2012-10-17', Statement: statement });
    await world.cloud.id(['policy', 'create', name, '--account', accountId, '--document', '-'], document);
    const target = [name, '--account', accountId, '--device', lamp.clientId];
    const device = await connect(level);
    const closed = new Promise<void>((resolve) => device.once('close', resolve));
    await world.cloud.id(['policy', 'attach', ...target]);
    await closed;
    await expect(connect(level)).rejects.toThrow(/not authorized/i);
    await world.cloud.id(['policy', 'detach', ...target]);
    await (await connect(level)).endAsync();
    const [, sentAway] = await told('connected', 'disconnected', 'connected', 'disconnected');
    expect(sentAway).toMatchObject(gone('SERVER_INITIATED_DISCONNECT'));
  });
});

describe('a tool is told of a device that falls silent', () => {
  it('after one and a half times its keep-alive', async () => {
    const filters = [`ioto/device/${lamp.clientId}/#`];
    await using device = await new MqttJs(4).listen(lamp, { filters, qos: 1, keepAlive: 1 });
    device.freeze();
    const [, , disconnected] = await told('connected', 'subscribed', 'disconnected');
    expect(disconnected).toMatchObject(gone('MQTT_KEEP_ALIVE_TIMEOUT'));
  });
});

describe('a tool of another account', () => {
  it('is told of its own device only', async () => {
    await (await connect(5, kettle)).endAsync();
    await until('its device to be gone', () => heardByStranger.length >= 2);
    const topics = heardByStranger.splice(0).map(({ topic }) => topic);
    expect(topics).toEqual([
      `${PRESENCE}/connected/${kettle.clientId}`,
      `${PRESENCE}/disconnected/${kettle.clientId}`,
    ]);
    expect(heard).toEqual([]);
  });
});
