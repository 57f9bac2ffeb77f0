import { writeFile } from 'node:fs/promises';
import { until } from '@ioto/testkit';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { mqttDevice } from './mqtt-device.ts';
import { World } from './world.ts';

let world: World;
let account: string;
let door: { id: string; options: IClientOptions };
let lamp: { id: string; options: IClientOptions };
const clients: MqttClient[] = [];

beforeAll(async () => {
  world = await World.create();
  account = world.owner.accountId;
  door = await mqttDevice(world, { protocolVersion: 5 });
  lamp = await mqttDevice(world, { protocolVersion: 4 });
});
afterEach(() => {
  for (const client of clients.splice(0)) client.end(true);
});
afterAll(() => world?.[Symbol.asyncDispose]());

/** A device that is connected, and what it hears. */
async function connect(options: IClientOptions): Promise<{ client: MqttClient; heard: string[] }> {
  const heard: string[] = [];
  const client = mqtt.connect(options);
  clients.push(client);
  client.on('message', (topic, payload) => heard.push(`${topic} ${payload}`));
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('error', reject);
    client.once('close', () => reject(new Error('closed')));
  });
  client.on('error', () => undefined);
  return { client, heard };
}

async function policy(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await world.run(['policy', ...args, '--account', account]);
  if (code !== 0) throw new Error(stderr);
  return stdout.trim();
}

async function document(name: string, ...Statement: object[]): Promise<string> {
  const file = world.directory.at(`${name}.json`);
  await writeFile(file, JSON.stringify({ Version: '2012-10-17', Statement }));
  return file;
}

const talk = {
  Effect: 'Allow',
  Action: ['iot:Publish', 'iot:Subscribe', 'iot:Receive', 'iot:RetainPublish'],
  Resource: ['topic', 'topicfilter'].map((type) => `arn:aws:iot:*:*:${type}/app/\${ioto:AccountId}/*`),
};
const noConnect = { Effect: 'Deny', Action: 'iot:Connect', Resource: '*' };

describe('a policy of an account', () => {
  it('lets its devices speak to each other, also after the cloud was killed, until it is taken away', async () => {
    const topic = `app/${account}/door`;
    await policy('create', 'talk', '--document', await document('talk', talk));
    expect(await policy('test', 'iot:Publish', topic, '--device', door.id)).toBe('refused');
    await policy('attach', 'talk', '--all');
    expect(await policy('test', 'iot:Publish', topic, '--device', door.id)).toBe('allowed');
    for (const turn of ['before', 'after']) {
      const [a, b] = [await connect(door.options), await connect(lamp.options)];
      expect((await b.client.subscribeAsync(`app/${account}/#`, { qos: 1 }))[0]?.qos).toBe(1);
      await a.client.publishAsync(topic, turn, { qos: 1, retain: true });
      await until('the message', () => b.heard.includes(`${topic} ${turn}`));
      if (turn === 'before') {
        await world.stopCloud('SIGKILL');
        await world.startCloud();
      } else {
        await policy('detach', 'talk', '--all');
        await expect(a.client.publishAsync(topic, 'too late', { qos: 1 })).rejects.toThrow();
        expect(b.heard.some((line) => line.endsWith('too late'))).toBe(false);
      }
    }
    // What was left there is nobody's to hear any more either.
    const b = await connect({ ...lamp.options, clean: true });
    await expect(b.client.subscribeAsync(`app/${account}/#`, { qos: 1 })).rejects.toThrow();
    expect(b.heard).toEqual([]);
  });

  it('sends an agent away, keeps it out and lets it in again, without anybody going there', async () => {
    const { id, program } = await world.connectedDevice();
    await policy('create', 'out', '--document', await document('out', noConnect));
    await policy('attach', 'out', '--device', id);
    const away = 'a policy of the account denies iot:Connect';
    await until('its owner to see why', async () => JSON.stringify(await world.show(id)).includes(away));
    await until('it to be refused', () => program.stderr.includes('MQTT_CONNECT_REFUSED'));
    await policy('detach', 'out', '--device', id);
    const inStep = () => program.stderr.match(/in step with the cloud/g)?.length;
    await until('it to be back', () => inStep() === 2, { timeout: 60_000 });
    const actions = (await world.audit()).map(({ action }) => action);
    expect(actions).toEqual(expect.arrayContaining(['policy.created', 'policy.attached', 'policy.detached']));
  });

  it('holds by the address that a device really comes from', async () => {
    const from = (range: string) => ({
      ...noConnect,
      Condition: { NotIpAddress: { 'aws:SourceIp': range } },
    });
    await policy('create', 'house', '--document', await document('house', from('192.0.2.0/24')));
    await policy('attach', 'house', '--device', door.id);
    await expect(connect(door.options)).rejects.toThrow(/[Nn]ot authorized/);
    const here = await document('house', from('127.0.0.0/8'), {
      ...noConnect,
      Condition: { DateGreaterThan: { 'aws:CurrentTime': '2099-01-01T00:00:00Z' } },
    });
    await policy('update', 'house', '--document', here);
    expect((await connect(door.options)).client.connected).toBe(true);
  });

  it('that is wrong is refused with the place', async () => {
    const file = await document('wrong', { ...talk, Resource: 'arn:aws:iot:*:123456789012:topic/x' });
    const made = await world.run(['policy', 'create', 'wrong', '--account', account, '--document', file]);
    expect(made.code).toBe(1);
    expect(made.stderr).toContain(
      `policy statement 1, Resource: names the account "123456789012": write ${account}, or * for any`,
    );
  });
});
