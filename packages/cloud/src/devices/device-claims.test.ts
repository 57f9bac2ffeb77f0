import { newClaimId } from '@ioto/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeviceWorld } from './device-world.fixture.ts';

let world: DeviceWorld;
beforeEach(async () => {
  world = await DeviceWorld.create();
});
afterEach(() => world[Symbol.asyncDispose]());

const code = (value: string, status: number) => expect.objectContaining({ code: value, status });

describe('a claim', () => {
  it('makes the Device item of what the device told, and the device hears of its cloud', async () => {
    const account = await world.account();
    const id = await world.newDevice({ description: 'in the hall' });
    const device = await world.claim(id, account);
    expect(device).toMatchObject({
      id,
      accountId: account,
      name: 'Lamp',
      description: 'in the hall',
      connection: 'offline',
    });
    expect(await world.register(id)).toMatchObject({ id, accountId: account, api: 'https://cloud/api' });
    expect(await world.history(account)).toEqual(['account.created', 'device.claimed']);
  });

  it('takes the ID as people type it', async () => {
    const account = await world.account();
    const id = await world.newDevice();
    const typed = ` ${id.slice(0, 5).toLowerCase()} - ${id.slice(5).replace(/0/g, 'O').replace(/1/g, 'i')}`;
    expect(await world.claim(typed, account)).toMatchObject({ id });
  });

  it('of one’s own device changes nothing', async () => {
    const account = await world.account();
    const { id } = await world.ownedDevice(account);
    const calls = world.calls.length;
    expect(await world.claim(id, account)).toMatchObject({ id });
    expect(world.calls.length).toBe(calls);
    expect((await world.history(account)).filter((action) => action === 'device.claimed')).toHaveLength(1);
  });

  it('of another’s device is refused, and both accounts see it', async () => {
    const [owner, thief] = [await world.account('Owner'), await world.account('Thief')];
    const { id } = await world.ownedDevice(owner);
    await expect(world.claim(id, thief)).rejects.toEqual(code('DEVICE_CLAIMED', 409));
    expect(await world.history(owner)).toContain('device.claim-denied');
    expect(await world.history(thief)).toContain('device.claim-denied');
    expect((await world.audit.find({ accountId: owner })).entries[0]?.actor).not.toContain('U');
  });

  it('of what never registered, is malformed or has no account is refused', async () => {
    const account = await world.account();
    await expect(world.claim(newClaimId(), account)).rejects.toEqual(code('DEVICE_NEVER_REGISTERED', 404));
    await expect(world.claim('U-U-U', account)).rejects.toEqual(code('CLAIM_ID_MALFORMED', 400));
    await expect(world.claim(await world.newDevice(), 'NOBODY')).rejects.toEqual(
      code('ACCOUNT_UNKNOWN', 404),
    );
  });

  it('is won by exactly one of two accounts that ask at once', async () => {
    const accounts = [await world.account('A'), await world.account('B')];
    const id = await world.newDevice();
    const outcomes = await Promise.allSettled(accounts.map((account) => world.claim(id, account)));
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('that misses too often is limited, while a truckload of right ones is not', async () => {
    const account = await world.account();
    const ids = await Promise.all(Array.from({ length: 60 }, () => world.newDevice()));
    await Promise.all(ids.map((id) => world.claim(id, account)));
    for (let miss = 0; miss < 20; miss += 1) {
      await expect(world.claim(newClaimId(), account)).rejects.toEqual(code('DEVICE_NEVER_REGISTERED', 404));
    }
    const id = await world.newDevice();
    await expect(world.claim(id, account)).rejects.toEqual(code('GUESSES_EXCEEDED', 429));
    const other = await world.account('Other');
    await world.claim(id, other, { address: '192.0.2.77' });
    expect((await world.history(account)).filter((action) => action === 'device.claim-denied')).toHaveLength(
      20,
    );
  });
});

describe('a claim in advance', () => {
  it('completes at the first register, with what the device tells of itself', async () => {
    const account = await world.account();
    const id = newClaimId();
    expect(await world.claim(id, account, { pre: true })).toMatchObject({ id, name: id });
    const answer = await world.register(id, { name: 'Lamp 7' });
    expect(answer).toMatchObject({ id, accountId: account });
    const { certificate } = await world.provision({ id, token: answer.token });
    expect(certificate).toContain('CERTIFICATE');
    expect(await world.devices.directory.get(account, id)).toMatchObject({
      name: 'Lamp 7',
      product: world.product.id,
    });
    expect(await world.history(account)).toEqual(
      expect.arrayContaining(['device.preclaimed', 'device.claimed', 'device.provisioned']),
    );
  });

  it('of one ID after the other is limited, for each would be a guess that never misses, and leaves ordinary claims alone', async () => {
    const account = await world.account();
    const address = '192.0.2.78';
    const outcomes = await Promise.allSettled(
      Array.from({ length: 1030 }, () => world.claim(newClaimId(), account, { pre: true, address })),
    );
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(refused).toEqual(Array.from({ length: 30 }, () => code('GUESSES_EXCEEDED', 429)));
    const id = await world.newDevice();
    expect(await world.claim(id, account, { address })).toMatchObject({ id });
    await expect(world.claim(newClaimId(), account, { address })).rejects.toEqual(
      code('DEVICE_NEVER_REGISTERED', 404),
    );
  });

  it('is refused to everybody else', async () => {
    const [first, second] = [await world.account('A'), await world.account('B')];
    const id = newClaimId();
    await world.claim(id, first, { pre: true });
    await expect(world.claim(id, second, { pre: true })).rejects.toEqual(code('DEVICE_CLAIMED', 409));
  });
});

describe('a claim that is cut short', () => {
  it('is completed at the next start when the builder had bound the device', async () => {
    const account = await world.account();
    const id = await world.newDevice();
    world.faults.set('bind', 'after');
    await expect(world.claim(id, account)).rejects.toEqual(code('BUILDER_UNREACHABLE', 503));
    const { token } = await world.register(id);
    await expect(world.provision({ id, token })).rejects.toEqual(code('DEVICE_NOT_READY', 503));

    world.faults.clear();
    await world.restart();
    expect(await world.devices.reconciler.reconcile(new AbortController().signal)).toBe(0);
    expect(await world.devices.directory.get(account, id)).toMatchObject({ id });
    await world.provision({ id, token });
  });

  it('is dropped at the next start when the builder had not heard of it', async () => {
    const [account, other] = [await world.account(), await world.account('Other')];
    const id = await world.newDevice();
    world.faults.set('bind', 'before');
    await expect(world.claim(id, account)).rejects.toEqual(code('BUILDER_UNREACHABLE', 503));
    world.faults.clear();
    await world.restart();
    expect(await world.devices.reconciler.reconcile(new AbortController().signal)).toBe(0);
    expect(await world.claim(id, other)).toMatchObject({ accountId: other });
  });

  it('is taken up by the next attempt of its user', async () => {
    const account = await world.account();
    const id = await world.newDevice();
    world.faults.set('bind', 'after');
    await expect(world.claim(id, account)).rejects.toEqual(code('BUILDER_UNREACHABLE', 503));
    world.faults.clear();
    expect(await world.claim(id, account)).toMatchObject({ id, accountId: account });
    expect((await world.history(account)).filter((action) => action === 'device.claimed')).toHaveLength(1);
  });
});
