import { writeFile } from 'node:fs/promises';
import { until } from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SharedDevice } from './shared-device.ts';
import { World } from './world.ts';

/** Setting belongs to the account and is shared by its devices; Service is under the same key on every device. */
const SCHEMA = `{
  blend: ['models.json5'],
  process: {
    Setting: { enable: 'both', sync: 'both' },
    Service: { enable: 'both', sync: 'up' },
  },
}`;
const MODELS = `{
  models: {
    Setting: {
      pk: { type: 'string', value: 'setting#\${accountId}' },
      sk: { type: 'string', value: 'setting#\${name}' },
      name: { type: 'string', required: true },
      value: { type: 'string' },
    },
    Service: {
      pk: { type: 'string', value: 'service#' },
      sk: { type: 'string', value: 'service#' },
      mode: { type: 'string' },
    },
  },
}`;

let world: World;
const args: string[] = [];
const devices: SharedDevice[] = [];
const ids: string[] = [];
let schema: string;

beforeAll(async () => {
  world = await World.create({ args });
  schema = world.directory.at('schema.json5');
  await writeFile(schema, SCHEMA);
  await writeFile(world.directory.at('models.json5'), MODELS);
  for (let index = 0; index < 2; index += 1) {
    const files = await world.device({ settings: { database: { schema } } });
    devices.push(new SharedDevice(files));
    const id = await world.registered(files);
    expect((await world.claim(id)).status).toBe(200);
    await world.online(id);
    ids.push(id);
  }
});
afterAll(async () => {
  for (const device of devices) await device[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
});

const first = () => devices[0] as SharedDevice;
const second = () => devices[1] as SharedDevice;
const generic = async (verb: string, body: object) =>
  (await world.adminCall(`/generic/${verb}`, { accountId: world.owner.accountId, ...body })).json;
const shown = async (id: string | undefined) => (await world.adminCall('/device/get', { id })).json;
const setting = async (device: SharedDevice) => (await device.ask('get', 'Setting', { name: 'a' }))?.value;

describe('a product’s own data schema', () => {
  it('that the cloud does not have yet loses nothing: what comes is put aside, and shown', async () => {
    await first().ask('upsert', 'Setting', { name: 'a', value: 'one' });
    await first().ask('upsert', 'Service', { mode: 'one' });
    await second().ask('upsert', 'Service', { mode: 'two' });
    await until('two changes to be put aside', async () => {
      const { quarantine } = (await shown(ids[0])) as { quarantine?: { kept: number } };
      return quarantine?.kept === 2;
    });
    expect((await shown(ids[0])).quarantine).toEqual({ kept: 2, models: ['Service', 'Setting'], lost: 0 });
  });

  it('given to the cloud as well brings them in, each device’s own, and the shared to the others', async () => {
    await until('the other’s too', async () => (await shown(ids[1])).quarantine !== undefined);
    await world.stopCloud('SIGTERM');
    args.push('--schema', schema);
    await world.startCloud();
    expect(await generic('get', { _type: 'Setting', name: 'a' })).toMatchObject({ value: 'one' });
    expect(await generic('get', { _type: 'Service', deviceId: ids[0] })).toMatchObject({ mode: 'one' });
    expect(await generic('get', { _type: 'Service', deviceId: ids[1] })).toMatchObject({ mode: 'two' });
    await until('the other device to have it', async () => (await setting(second())) === 'one');
    expect((await shown(ids[0])).quarantine).toMatchObject({ kept: 0, lost: 0 });
  });

  it('keeps an item the same on both devices and in the cloud, whoever changes or removes it', async () => {
    for (const [who, value] of [
      [second(), 'two'],
      [first(), 'three'],
    ] as const) {
      await who.ask('upsert', 'Setting', { name: 'a', value });
      for (const device of devices) {
        await until(`a device to have ${value}`, async () => (await setting(device)) === value);
      }
    }
    await until('the cloud to have it', async () => {
      return (await generic('get', { _type: 'Setting', name: 'a' })).value === 'three';
    });
    await generic('update', { _type: 'Setting', name: 'a', value: 'owner' });
    for (const device of devices) {
      await until('a device to have the owner’s', async () => (await setting(device)) === 'owner');
    }
    await generic('remove', { _type: 'Setting', name: 'a' });
    for (const device of devices) {
      await until('a device to have it no more', async () => (await setting(device)) === undefined);
    }
    await second().ask('upsert', 'Setting', { name: 'a', value: 'again' });
    await until('the first to have it again', async () => (await setting(first())) === 'again');
  });
});
