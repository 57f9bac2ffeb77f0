import { X509Certificate } from 'node:crypto';
import { type DeviceFiles, dyingAfterWrite, type Program, until } from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Owner, World } from './world.ts';

/** Seconds that a certificate lives here; it is renewed after about two thirds of them. */
const LIFE = 24;

/** Each kills the device at a write of its first renewal; the first `ioto.crt` and `provision.json5` are of its provisioning. */
const CUTS: [after: string, count: number][] = [
  ['renewal.json', 1],
  ['renewal.json', 2],
  ['ioto.crt', 2],
];

let world: World;
let careful: Owner;
interface Device {
  device: DeviceFiles;
  program: Program;
  id: string;
}
let renewing: Device;
let dying: Device[];
let off: Device;
let kept: Device;

beforeAll(async () => {
  world = await World.create({ args: ['--certificate-life', String(LIFE / 86_400)] });
  careful = await world.newOwner('Careful owner', 'careful@example.com');
  // Side by side, since all of them wait for the end of a certificate.
  [off, kept, renewing] = await Promise.all([begin(), begin(careful), begin()]);
  await Promise.all([off.program.kill(), kept.program.kill()]);
  dying = await Promise.all(CUTS.map(([after, count]) => begin(world.owner, dyingAfterWrite(after, count))));
});
afterAll(() => world?.[Symbol.asyncDispose]());

async function begin(owner = world.owner, options = {}): Promise<Device> {
  const device = await world.device();
  const program = world.switchOn(device, [], options);
  const id = await world.registered(device);
  expect((await world.claim(id, owner)).status).toBe(200);
  await program.waitFor(/in step with the cloud/);
  return { device, program, id };
}

const certificateOf = async ({ device }: Device) =>
  new X509Certificate((await device.read('certs', 'ioto.crt')) ?? '');
const serialsOf = async ({ id }: Device) => {
  const { certificates } = await world.show(id);
  return certificates as { serial: string; state: string; reason?: string }[];
};

it('a device renews its certificate before it ends, and the cloud voids the old one after the new has connected', async () => {
  await renewing.program.waitFor(/new certificate in place of the old/, { timeout: 30_000 });
  const present = (await certificateOf(renewing)).serialNumber.toLowerCase();
  const [used, revoked] = await serialsOf(renewing);
  expect(used).toMatchObject({ serial: present, state: 'in use' });
  expect(revoked).toMatchObject({ state: 'revoked', reason: 'replaced by a later certificate' });
  const told = (await world.audit()).filter(({ deviceId }) => deviceId === renewing.id).reverse();
  expect(told.map(({ action }) => action).slice(0, 5)).toEqual([
    ...['device.claimed', 'device.provisioned'],
    ...['certificate.issued', 'certificate.proven', 'certificate.revoked'],
  ]);
  await world.online(renewing.id);
});

describe('a device whose power goes while it renews', () => {
  it.each(CUTS.map((cut, at) => [...cut, at] as const))(
    'after %s (%i) connects with the one or the other, and goes on',
    async (_after, _count, at) => {
      const device = dying[at] as Device;
      await device.program.exited;
      const program = world.switchOn(device.device);
      await program.waitFor(/in step with the cloud/, { timeout: 30_000 });
      await program.waitFor(/new certificate in place of the old/, { timeout: 30_000 });
      await world.online(device.id);
      // It never had to be provisioned anew.
      const provisioned = (await world.audit()).filter(
        ({ action, deviceId }) => action === 'device.provisioned' && deviceId === device.id,
      );
      expect(provisioned).toHaveLength(1);
    },
  );
});

describe('a device whose certificate ended while it was off', () => {
  const isOver = async (device: Device) => Date.parse((await certificateOf(device)).validTo) < Date.now();

  it('comes back by its token and its identity key', async () => {
    await until('its certificate to end', () => isOver(off), { timeout: 30_000, every: 200 });
    const program = world.switchOn(off.device);
    await program.waitFor(/has ended: it asks for another/);
    await world.online(off.id, program);
    const [entry] = (await world.audit()).filter(({ action }) => action === 'certificate.recovered');
    expect(entry).toMatchObject({ deviceId: off.id });
  });

  it('stays away where its owner does not let it, and says why', async () => {
    await world.run(['certificate', 'recovery', careful.accountId, '--off', '--state', world.cloud.state]);
    await until('its certificate to end', () => isOver(kept), { timeout: 30_000, every: 200 });
    const program = world.switchOn(kept.device);
    await program.waitFor(/DEVICE_EXPIRED/);
    expect(await serialsOf(kept)).toMatchObject([{ state: 'expired' }]);
  });
});
