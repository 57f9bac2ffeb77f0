import { until } from '@ioto/testkit';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mqttDevice } from './mqtt-device.ts';
import { World } from './world.ts';

interface Notes {
  lastDisconnect?: { reason: string; detail: string; limit?: string };
  limits?: Record<string, { count: number; detail: string }>;
}

let world: World;
let id: string;
let options: IClientOptions;
let client: MqttClient;

beforeAll(async () => {
  world = await World.create();
  ({ id, options } = await mqttDevice(world, { protocolVersion: 5 }));
});
afterAll(async () => {
  client?.end(true);
  await world?.[Symbol.asyncDispose]();
});

async function notes(): Promise<Notes> {
  const { json } = await world.cloud.call('/device/get', { bearer: world.owner.token, body: { id } });
  return json.endpoint as Notes;
}

async function metric(line: string): Promise<boolean> {
  const { text } = await world.cloud.call('/../metrics', { method: 'GET' });
  return text.includes(line);
}

describe('a device that exceeds a limit', () => {
  it('is told which, its owner sees it, and the metrics count it', async () => {
    client = await mqtt.connectAsync(options);
    client.on('error', () => undefined);
    const payload = Buffer.alloc(128 * 1024 + 1);
    const publish = client.publishAsync(`ioto/service/${id}/note`, payload, { qos: 1 });
    await expect(publish).rejects.toThrow(/Quota exceeded/);
    await until('the owner to see it', async () => {
      const note = (await notes()).limits?.maxPayloadSize;
      return note?.count === 1 && note.detail.includes(String(128 * 1024));
    });
    expect(await metric('ioto_mqtt_limit_exceeded_total{limit="maxPayloadSize"} 1')).toBe(true);
  });

  it('that its connection ends for is told why, and so is its owner', async () => {
    const told = new Promise<number | undefined>((resolve) =>
      client.on('disconnect', ({ reasonCode }) => resolve(reasonCode)),
    );
    client.publish(`ioto/service/${id}/note`, Buffer.alloc(200 * 1024), { qos: 0 });
    expect(await told).toBe(0x95);
    await until('the owner to see it', async () => {
      const { lastDisconnect } = await notes();
      return lastDisconnect?.reason === 'CLIENT_ERROR' && lastDisconnect.limit === 'maxPacketSize';
    });
    expect(await metric('ioto_mqtt_disconnects_total{reason="CLIENT_ERROR"} 1')).toBe(true);
  });
});
