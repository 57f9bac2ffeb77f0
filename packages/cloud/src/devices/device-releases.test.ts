import { newClaimId, signRequest } from '@ioto/protocol';
import { type FleetIdentity, makeFleetIdentities } from '@ioto/testkit/fleet/identities';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeviceWorld } from './device-world.fixture.ts';

let world: DeviceWorld;
let account: string;
beforeEach(async () => {
  world = await DeviceWorld.create();
  account = await world.account();
});
afterEach(() => world[Symbol.asyncDispose]());

const code = (value: string, status: number) => expect.objectContaining({ code: value, status });
const release = (deviceId: string, accountId = account) =>
  world.devices.releases.release({ deviceId, accountId, actor: 'user:U' });

async function certifiedDevice(): Promise<{ id: string; token: string; serial: string }> {
  const device = await world.ownedDevice(account);
  await world.provision(device);
  const [certificate] = await world.devices.directory.certificates(device.id);
  return { ...device, serial: certificate?.serial ?? '' };
}

describe('a device that was released and claimed by another', () => {
  it('does not show its new owner the certificates that it had before', async () => {
    const { id } = await certifiedDevice();
    await release(id);
    const next = await world.account('Next');
    await world.claim(id, next);
    expect(await world.devices.directory.certificates(id, next)).toEqual([]);
    expect(await world.devices.directory.certificates(id, account)).toHaveLength(1);
  });
});

describe('the release of a connected device', () => {
  it('tells the device, then ends its session, and its token and certificate are void', async () => {
    const { id, token, serial } = await certifiedDevice();
    world.endpoint.online.add(id);
    await release(id);
    expect(world.endpoint.sent.map(({ topic }) => topic)).toEqual([`ioto/device/${id}/provision/release`]);
    expect(world.endpoint.sent[0]?.body).toBe(String(world.clock.now()));
    expect(world.endpoint.ended).toEqual([id]);
    await expect(world.provision({ id, token })).rejects.toEqual(code('DEVICE_AUTHENTICATION_FAILED', 401));
    expect(await world.devices.gate.admit({ deviceId: id, serial }, '192.0.2.1')).toMatchObject({
      admitted: false,
    });
    expect((await world.devices.directory.certificates(id))[0]).toMatchObject({ state: 'revoked' });
    expect(await world.register(id)).toEqual({ registered: true });
    expect(await world.history(account)).toContain('device.released');
  });
});

describe('the release of a device that is off', () => {
  it('sends nothing, and the next connect is refused', async () => {
    const { id, serial } = await certifiedDevice();
    await release(id);
    expect(world.endpoint.sent).toEqual([]);
    expect(await world.devices.gate.admit({ deviceId: id, serial }, '192.0.2.1')).toMatchObject({
      admitted: false,
    });
    await expect(world.devices.directory.get(account, id)).rejects.toEqual(code('DEVICE_UNKNOWN', 404));
  });

  it('lets another account claim it, which gets nothing of the first', async () => {
    const { id, serial } = await certifiedDevice();
    const command = { deviceId: id, command: 'reboot' };
    await world.devices.items.create('Command', command, account);
    await release(id);
    const next = await world.account('Next');
    await world.claim(id, next);
    expect(await world.devices.gate.admit({ deviceId: id, serial }, '192.0.2.1')).toMatchObject({
      admitted: false,
    });
    expect((await world.devices.items.find('Command', { deviceId: id }, { accountId: next })).items).toEqual(
      [],
    );
    expect(
      (await world.devices.items.find('Command', { deviceId: id }, { accountId: account })).items,
    ).toEqual([]);
  });

  it('gives the owner’s edits back when the same account claims it again', async () => {
    const { id } = await certifiedDevice();
    await world.devices.directory.edit(account, id, { name: 'Kitchen' });
    await release(id);
    expect(await world.claim(id, account)).toMatchObject({ name: 'Kitchen', edited: ['name'] });
  });
});

describe('a release', () => {
  it('of another’s device, or of none, is refused', async () => {
    const { id } = await certifiedDevice();
    await expect(release(id, await world.account('Other'))).rejects.toEqual(code('DEVICE_UNKNOWN', 404));
    await expect(release('0000000000')).rejects.toEqual(code('DEVICE_UNKNOWN', 404));
    await release(id);
    await expect(release(id)).rejects.toEqual(code('DEVICE_UNKNOWN', 404));
  });

  it.each(['before', 'after'] as const)(
    'that loses the builder %s it acts goes on at the next start',
    async (when) => {
      const { id, token } = await certifiedDevice();
      world.faults.set('release', when);
      await expect(release(id)).rejects.toEqual(code('BUILDER_UNREACHABLE', 503));
      await expect(world.claim(id, await world.account('Early'))).rejects.toEqual(code('DEVICE_BUSY', 409));
      await world.restart();
      expect(await world.devices.reconciler.reconcile(new AbortController().signal)).toBe(1);
      world.faults.clear();
      expect(await world.devices.reconciler.reconcile(new AbortController().signal)).toBe(0);
      await expect(world.provision({ id, token })).rejects.toEqual(code('DEVICE_AUTHENTICATION_FAILED', 401));
      expect(await world.claim(id, await world.account('Next'))).toMatchObject({ id });
    },
  );

  it('that overtakes a provision wins: the device gets no certificate', async () => {
    const device = await world.ownedDevice(account);
    const outcomes = await Promise.allSettled([
      release(device.id),
      world.provision(device),
      world.provision(device),
    ]);
    expect(outcomes[0]?.status).toBe('fulfilled');
    await expect(world.provision(device)).rejects.toEqual(code('DEVICE_AUTHENTICATION_FAILED', 401));
    const states = (await world.devices.directory.certificates(device.id)).map(({ state }) => state);
    expect(states.filter((state) => state !== 'revoked')).toEqual([]);
    expect(await world.claim(device.id, await world.account('Next'))).toMatchObject({ id: device.id });
  });

  it('of a device that was claimed in advance and never came frees its ID', async () => {
    const id = newClaimId();
    await world.claim(id, account, { pre: true });
    await release(id);
    expect(await world.claim(id, await world.account('Next'), { pre: true })).toMatchObject({ id });
  });

  it('can drop the key of a device that has lost it', async () => {
    const [lost, fresh] = (await makeFleetIdentities(2)) as [FleetIdentity, FleetIdentity];
    const { id } = await world.ownedDevice(account, { publicKey: lost.publicKey });
    await world.devices.releases.release({
      deviceId: id,
      accountId: account,
      actor: 'user:U',
      forgetKey: true,
    });
    await world.register(id, { publicKey: fresh.publicKey });
    await world.claim(id, account);
    const { token } = await world.register(id, { publicKey: fresh.publicKey });
    const signed = { method: 'POST', path: '/api/tok/device/provision', body: '{}' };
    const signature = signRequest(signed, fresh.privateKey, world.clock.now());
    expect((await world.provision({ id, token, csr: fresh.csr, signed, signature })).id).toBe(id);
  });

  it('that dies after the builder has let go, before it has cleared up, is ended at the next start', async () => {
    const { id, serial } = await certifiedDevice();
    await world.devices.items.create('Command', { deviceId: id, command: 'reboot' }, account);
    world.endpoint.online.add(id);
    world.endpoint.deliver = async () => {
      throw new Error('killed');
    };
    await expect(release(id)).rejects.toThrow('killed');
    expect(await world.devices.gate.admit({ deviceId: id, serial }, '192.0.2.1')).toMatchObject({
      admitted: false,
    });
    world.endpoint.online.clear();
    await world.restart();
    expect(await world.devices.reconciler.reconcile(new AbortController().signal)).toBe(0);
    expect((await world.devices.directory.certificates(id))[0]).toMatchObject({ state: 'revoked' });
    expect((await world.store.query('command#')).items).toEqual([]);
    expect((await world.history(account)).filter((action) => action === 'device.released')).toHaveLength(1);
    expect(world.calls.filter((verb) => verb === 'release')).toHaveLength(1);
  });
});
