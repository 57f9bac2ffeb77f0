import { until } from '@ioto/testkit';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mqttDevice } from './mqtt-device.ts';
import { type ToolKeys, toolKeys, toolOptions } from './mqtt-tool.ts';
import { World } from './world.ts';

interface Client {
  client: MqttClient;
  sessionPresent: boolean;
  /** What came, in order. */
  heard: { topic: string; text: string; dup: boolean }[];
}

const MESSAGES = 500;

let world: World;
let id: string;
let device: IClientOptions;
let keys: ToolKeys;

beforeAll(async () => {
  world = await World.create();
  ({ id, options: device } = await mqttDevice(world, { clean: false }));
  keys = await toolKeys(world, 'user');
});
afterAll(() => world?.[Symbol.asyncDispose]());

async function open(options: IClientOptions): Promise<Client> {
  const client = mqtt.connect(options);
  const heard: Client['heard'] = [];
  client.on('message', (topic, payload, { dup }) => heard.push({ topic, text: payload.toString(), dup }));
  client.on('error', () => undefined);
  const { sessionPresent } = await new Promise<{ sessionPresent: boolean }>((resolve, reject) => {
    client.once('connect', resolve);
    client.once('error', reject);
  });
  return { client, sessionPresent, heard };
}

/** A tool of the owner's account, over WebSocket. */
async function openTool(clientId: string, clean: boolean): Promise<Client> {
  return open(await toolOptions(world, keys, { clientId, clean }));
}

const numbers = (texts: Client['heard']) => texts.map(({ text }) => Number(text)).filter((n) => n >= 0);

describe('a cloud that is killed and started again', () => {
  it('delivers what it has acknowledged to a device that was away, in order, and knows its subscriptions', async () => {
    const before = await open(device);
    await before.client.subscribeAsync(`ioto/device/${id}/#`, { qos: 1 });
    before.client.end(true);
    const tool = await openTool('sender', true);
    for (let number = 0; number < MESSAGES; number += 1)
      await tool.client.publishAsync(`ioto/device/${id}/note`, String(number), { qos: 1 });
    tool.client.end(true);
    await world.stopCloud('SIGKILL');
    await world.startCloud();
    const again = await open(device);
    expect(again.sessionPresent).toBe(true);
    const notes = () => again.heard.filter(({ topic }) => topic.endsWith('/note'));
    await until('every message', () => notes().length >= MESSAGES);
    expect(numbers(notes())).toEqual(Array.from({ length: MESSAGES }, (_, number) => number));
    const later = await openTool('sender', true);
    await later.client.publishAsync(`ioto/device/${id}/note`, String(MESSAGES), { qos: 1 });
    await until('one more', () => notes().at(-1)?.text === String(MESSAGES));
    later.client.end(true);
    await again.client.endAsync();
  });

  it('marks what had been sent before as sent again, and repeats nothing that was acknowledged', async () => {
    const tool = await openTool('listener', false);
    await tool.client.subscribeAsync(`ioto/service/${id}/#`, { qos: 1 });
    const from = await open(device);
    await from.client.publishAsync(`ioto/service/${id}/note`, '1', { qos: 1 });
    await until('the first', () => numbers(tool.heard).includes(1));
    // What is answered after the acknowledgement, on the same connection, says that the cloud has taken it.
    await tool.client.subscribeAsync(`ioto/service/${id}/#`, { qos: 1 });
    // It takes what comes, and acknowledges none of it.
    tool.client.handleMessage = () => undefined;
    await from.client.publishAsync(`ioto/service/${id}/note`, '2', { qos: 1 });
    await until('the second', () => numbers(tool.heard).includes(2));
    await world.stopCloud('SIGKILL');
    tool.client.end(true);
    from.client.end(true);
    await world.startCloud();
    const again = await openTool('listener', false);
    expect(again.sessionPresent).toBe(true);
    await until('the second again', () => again.heard.length > 0);
    const notes = again.heard.filter(({ topic }) => topic === `ioto/service/${id}/note`);
    expect(notes).toEqual([{ topic: `ioto/service/${id}/note`, text: '2', dup: true }]);
    again.client.end(true);
  });
});
