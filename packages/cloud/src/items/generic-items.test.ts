import { coreSchema } from '@ioto/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeviceWorld } from '../devices/device-world.fixture.ts';

let world: DeviceWorld;
let accountId: string;
let deviceId: string;
beforeEach(async () => {
  world = await DeviceWorld.create();
  accountId = await world.account();
  deviceId = (await world.ownedDevice(accountId)).id;
});
afterEach(() => world[Symbol.asyncDispose]());

const code = (value: string, status: number) => expect.objectContaining({ code: value, status });

describe('items of an account', () => {
  it('are made, found, changed and removed', async () => {
    const { items } = world.devices;
    const made = await items.create('Store', { deviceId, key: 'a', value: 1, type: 'number' }, accountId);
    expect(made).toMatchObject({ _type: 'Store', key: 'a', value: '1', accountId, created: made.updated });
    await items.create('Store', { deviceId, key: 'b', value: 'x' }, accountId);
    const found = await items.find('Store', { deviceId, type: 'number' }, { accountId });
    expect(found.items.map(({ key }) => key)).toEqual(['a']);
    const changed = await items.update(
      'Store',
      { deviceId, key: 'a', value: '2', type: 'string' },
      accountId,
    );
    expect(changed).toMatchObject({ value: '2', type: 'string' });
    expect(String(changed.updated) > String(made.updated)).toBe(true);
    await items.remove('Store', { deviceId, key: 'a' }, accountId);
    await expect(items.get('Store', { deviceId, key: 'a' }, accountId)).rejects.toEqual(
      code('ITEM_UNKNOWN', 404),
    );
  });

  it('are found page by page', async () => {
    const { items } = world.devices;
    for (let index = 0; index < 5; index += 1) {
      await items.create('Store', { deviceId, key: `k${index}`, value: '' }, accountId);
    }
    const keys: unknown[] = [];
    let next: string | undefined;
    do {
      const page = await items.find('Store', { deviceId }, { accountId, limit: 2, next });
      keys.push(...page.items.map(({ key }) => key));
      next = page.next;
    } while (next !== undefined);
    expect(keys).toEqual(['k0', 'k1', 'k2', 'k3', 'k4']);
  });

  it('of another account are out of reach', async () => {
    const { items } = world.devices;
    const other = await world.account('Other');
    await items.create('Store', { deviceId, key: 'a', value: 'secret' }, accountId);
    const at = { deviceId, key: 'a' };
    const unknown = code('ITEM_UNKNOWN', 404);
    await expect(items.get('Store', at, other)).rejects.toEqual(unknown);
    await expect(items.get('Store', { ...at, accountId, pk: 'x' }, other)).rejects.toEqual(unknown);
    await expect(items.update('Store', at, other)).rejects.toEqual(unknown);
    await expect(items.remove('Store', at, other)).rejects.toEqual(unknown);
    expect((await items.find('Store', at, { accountId: other })).items).toEqual([]);
    const create = items.create('Store', { deviceId, key: 'b', value: 'x' }, other);
    await expect(create).rejects.toEqual(code('DEVICE_UNKNOWN', 404));
  });

  it('are refused when they are there, incomplete, ill-typed, too large, or of no model for it', async () => {
    const { items } = world.devices;
    const create = (type: string, fields: object) => items.create(type, { deviceId, ...fields }, accountId);
    await create('Store', { key: 'a', value: 'x' });
    await expect(create('Store', { key: 'a', value: 'y' })).rejects.toEqual(code('ITEM_EXISTS', 409));
    await expect(create('Store', { value: 'y' })).rejects.toEqual(code('ITEM_INVALID', 400));
    await expect(create('Store', { key: 'b', type: 'colour' })).rejects.toEqual(code('ITEM_INVALID', 400));
    await expect(create('Command', { command: 'x', args: 'none' })).rejects.toEqual(
      code('ITEM_INVALID', 400),
    );
    await expect(create('Store', { key: 'c', value: 'x'.repeat(70_000) })).rejects.toEqual(
      code('ITEM_TOO_LARGE', 413),
    );
    await expect(create('Nothing', {})).rejects.toEqual(code('MODEL_UNKNOWN', 400));
    await expect(create('SyncState', {})).rejects.toEqual(code('MODEL_NOT_GENERIC', 400));
    await expect(create('Device', { id: deviceId })).rejects.toEqual(code('MODEL_NOT_GENERIC', 400));
    await expect(items.find('Store', {}, { accountId })).rejects.toEqual(code('ITEM_INVALID', 400));
    const nameless = items.update('Store', { deviceId, key: 'a', type: 'colour' }, accountId);
    await expect(nameless).rejects.toEqual(code('ITEM_INVALID', 400));
  });

  it('are kept short for an agent of the old dialect', async () => {
    const device = await world.ownedDevice(accountId);
    await world.provision(device);
    const command = { deviceId: device.id, command: 'x', args: { text: 'x'.repeat(5000) } };
    const refused = world.devices.items.create('Command', command, accountId);
    await expect(refused).rejects.toEqual(code('ITEM_TOO_LARGE', 413));
  });
});

describe('an item with fields that are computed of others', () => {
  const schema = {
    ...coreSchema,
    models: {
      ...coreSchema.models,
      Lamp: {
        pk: { type: 'string', value: 'lamp#${accountId}' },
        sk: { type: 'string', value: 'lamp#${id}' },
        gs1sk: { type: 'string', value: 'level#${level}' },
        accountId: { type: 'string', required: true },
        id: { type: 'string', required: true },
        level: { type: 'number' },
        label: { type: 'string', value: '${id}/${level}', hidden: false },
      },
    },
    process: { ...coreSchema.process, Lamp: { enable: 'both', sync: 'both' } },
  };

  it('has them after each change as its fields are then, whatever the owner sends', async () => {
    await using own = await DeviceWorld.create({ schema });
    const { items } = own.devices;
    const account = await own.account();
    const made = await items.create('Lamp', { id: 'a', level: 1, label: 'mine' }, account);
    expect(made).toMatchObject({ label: 'a/1', gs1sk: 'level#1' });
    const changed = await items.update('Lamp', { id: 'a', level: 2, label: 'mine' }, account);
    expect(changed).toMatchObject({ label: 'a/2', gs1sk: 'level#2' });
    const taken = await items.update('Lamp', { id: 'a', level: null }, account);
    expect(Object.keys(taken)).not.toContain('label');
  });
});
