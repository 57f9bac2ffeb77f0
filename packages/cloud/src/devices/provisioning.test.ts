import { type KeyObject, X509Certificate } from 'node:crypto';
import { SIGNATURE_TOLERANCE, signRequest } from '@ioto/protocol';
import { type FleetIdentity, makeFleetIdentities } from '@ioto/testkit/fleet/identities';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readDeviceToken, signDeviceToken } from './device-token.ts';
import { DeviceWorld } from './device-world.fixture.ts';

const HOUR = 3_600_000;
let world: DeviceWorld;
let account: string;
let keys: FleetIdentity[];
beforeEach(async () => {
  world = await DeviceWorld.create();
  account = await world.account();
  keys = await makeFleetIdentities(2);
});
afterEach(() => world[Symbol.asyncDispose]());

const code = (value: string, status: number) => expect.objectContaining({ code: value, status });
const serialOf = (pem: string) => new X509Certificate(pem).serialNumber.toLowerCase();
const admitted = async (id: string, pem: string) =>
  (await world.devices.gate.admit({ deviceId: id, serial: serialOf(pem) }, '192.0.2.1')).admitted;

async function connect(id: string, pem: string): Promise<void> {
  const admission = await world.devices.gate.admit({ deviceId: id, serial: serialOf(pem) }, '192.0.2.1');
  if (!admission.admitted) throw new Error(admission.reason);
  await world.devices.gate.connected(admission.principal);
}

function signedBy(privateKey: KeyObject, body: string, path = '/api/tok/device/provision') {
  const signed = { method: 'POST', path: '/api/tok/device/provision', body };
  return { signed, signature: signRequest({ ...signed, path }, privateKey, world.clock.now()) };
}

describe('a provision', () => {
  it('certifies the device’s own key, and again gives the same certificate', async () => {
    const device = await world.ownedDevice(account);
    const { csr, publicKey } = keys[0]!;
    const answer = await world.provision({ ...device, csr });
    const certificate = new X509Certificate(answer.certificate);
    expect(certificate.subject).toBe(`CN=${device.id}`);
    expect(certificate.publicKey.export({ type: 'spki', format: 'pem' })).toBe(publicKey);
    expect(certificate.verify(new X509Certificate(answer.ca).publicKey)).toBe(true);
    expect(answer).toMatchObject({
      id: device.id,
      accountId: account,
      endpoint: 'cloud',
      port: 8443,
      cloudName: 'Cloud',
    });
    expect(answer.key).toBeUndefined();
    expect(answer.sync).toBe(1);
    expect((await world.provision({ ...device, csr })).certificate).toBe(answer.certificate);
  });

  it('makes a key for an agent that brings none, each time anew', async () => {
    const device = await world.ownedDevice(account);
    const [first, second] = [await world.provision(device), await world.provision(device)];
    expect(first.key).toContain('PRIVATE KEY');
    // Such an agent gets what it always got.
    expect(first).not.toHaveProperty('sync');
    expect(second.key).not.toBe(first.key);
    const again = (await world.audit.find({ accountId: account })).entries[0];
    expect(again).toMatchObject({ action: 'device.provisioned', details: { again: true, signed: false } });
  });

  it('gives a new certificate for the same key when the old one nears its end', async () => {
    const device = await world.ownedDevice(account);
    const { csr } = keys[0]!;
    const first = await world.provision({ ...device, csr });
    world.clock.jumpTo(world.clock.now() + 600 * 24 * HOUR);
    expect((await world.provision({ ...device, csr })).certificate).not.toBe(first.certificate);
  });

  it('is refused with a token that was altered, of another device, or of an earlier ownership', async () => {
    const [device, other] = [await world.ownedDevice(account), await world.ownedDevice(account)];
    const failed = code('DEVICE_AUTHENTICATION_FAILED', 401);
    const claims = { deviceId: device.id, accountId: account, generation: 1 };
    const bad = [
      undefined,
      'x',
      `${device.token}A`,
      device.token.replace(/.$/, (last) => (last === 'A' ? 'E' : 'A')),
      device.token.replace(
        account,
        account.replace(/.$/, (last) => (last === 'Z' ? 'Y' : 'Z')),
      ),
      signDeviceToken(claims, Buffer.alloc(32, 9)),
      signDeviceToken({ ...claims, generation: 9 }, Buffer.alloc(32, 2)),
    ];
    for (const token of bad) await expect(world.provision({ id: device.id, token })).rejects.toEqual(failed);
    await expect(world.provision({ id: other.id, token: device.token })).rejects.toEqual(
      code('DEVICE_MISMATCH', 403),
    );
    const nobody = signDeviceToken({ ...claims, deviceId: '0000000000' }, Buffer.alloc(32, 2));
    await expect(world.provision({ id: '0000000000', token: nobody })).rejects.toEqual(
      code('DEVICE_NOT_FOUND', 404),
    );
  });

  it('is blocked for an hour when it is asked for endlessly', async () => {
    const device = await world.ownedDevice(account);
    for (let count = 0; count < 30; count += 1) await world.provision(device);
    const blocked = expect.objectContaining({ code: 'PROVISION_TOO_OFTEN', status: 429, retryAfter: HOUR });
    await expect(world.provision(device)).rejects.toEqual(blocked);
    await world.clock.advance(HOUR);
    await world.provision(device);
    expect(await world.devices.directory.certificates(device.id)).toHaveLength(22);
  });

  it('with a request that is no good is refused', async () => {
    const device = await world.ownedDevice(account);
    await expect(world.provision({ ...device, csr: 'x' })).rejects.toEqual(code('CSR_MALFORMED', 400));
  });
});

describe('a device that registered with a key', () => {
  it('is provisioned when it signs, also for another key', async () => {
    const [identity, fresh] = [keys[0]!, keys[1]!];
    const device = await world.ownedDevice(account, { publicKey: identity.publicKey });
    const answer = await world.provision({
      ...device,
      csr: fresh.csr,
      ...signedBy(identity.privateKey, '{"a":1}'),
    });
    expect(answer.certificate).toContain('CERTIFICATE');
  });

  it('is not its impostor, who knows label, product and token; the owner sees the attempt', async () => {
    const [identity, thief] = [keys[0]!, keys[1]!];
    const device = await world.ownedDevice(account, { publicKey: identity.publicKey });
    const call = { ...device, csr: thief.csr };
    await expect(world.provision(call)).rejects.toEqual(code('SIGNATURE_MISSING', 401));
    const forged = signedBy(thief.privateKey, '{}');
    await expect(world.provision({ ...call, ...forged })).rejects.toEqual(code('SIGNATURE_INVALID', 401));
    const elsewhere = signedBy(identity.privateKey, '{}', '/api/device/register');
    await expect(world.provision({ ...call, ...elsewhere })).rejects.toEqual(code('SIGNATURE_INVALID', 401));
    const replayed = signedBy(identity.privateKey, '{}');
    await world.clock.advance(SIGNATURE_TOLERANCE + 1);
    await expect(world.provision({ ...call, ...replayed })).rejects.toEqual(code('SIGNATURE_DATE', 401));
    const denied = (await world.history(account)).filter((action) => action === 'device.impostor-denied');
    expect(denied).toHaveLength(4);
  });
});

describe('a certificate that was replaced', () => {
  it('holds until the new one connects, and not after', async () => {
    const device = await world.ownedDevice(account);
    const old = await world.provision(device);
    await connect(device.id, old.certificate);
    const fresh = await world.provision(device);
    expect(await admitted(device.id, old.certificate)).toBe(true);
    await connect(device.id, fresh.certificate);
    expect(await admitted(device.id, old.certificate)).toBe(false);
    expect(await admitted(device.id, fresh.certificate)).toBe(true);
    const states = (await world.devices.directory.certificates(device.id)).map(({ state }) => state);
    expect(states.sort()).toEqual(['in use', 'revoked']);
  });

  it('holds for an hour when the new one never connects, and then its connection is closed', async () => {
    const device = await world.ownedDevice(account);
    const old = await world.provision(device);
    await connect(device.id, old.certificate);
    world.endpoint.online.add(device.id);
    const fresh = await world.provision(device);
    await world.clock.advance(HOUR - 1000);
    expect(await admitted(device.id, old.certificate)).toBe(true);
    await world.clock.advance(2000);
    expect(await admitted(device.id, old.certificate)).toBe(false);
    expect(await admitted(device.id, fresh.certificate)).toBe(true);
    await expect.poll(() => world.endpoint.online.size).toBe(0);
  });

  it('has its connection closed at that hour also when the cloud was restarted meanwhile', async () => {
    const device = await world.ownedDevice(account);
    const old = await world.provision(device);
    await world.provision(device);
    await world.clock.advance(HOUR / 2);
    await world.restart();
    await connect(device.id, old.certificate);
    world.endpoint.online.add(device.id);
    await world.clock.advance(HOUR / 2 - 1000);
    expect(world.endpoint.online.size).toBe(1);
    await world.clock.advance(2000);
    await expect.poll(() => world.endpoint.online.size).toBe(0);
  });
});

describe('the record of a certificate', () => {
  it('is what counts: one that expired, or that this cloud never recorded, is refused', async () => {
    const device = await world.ownedDevice(account);
    const { certificate } = await world.provision(device);
    const { certificate: unrecorded } = await world.authority.certifyNewKey(device.id);
    expect(await admitted(device.id, unrecorded)).toBe(false);
    expect(await admitted(device.id, certificate)).toBe(true);
    world.clock.jumpTo(world.clock.now() + 740 * 24 * HOUR);
    expect(await admitted(device.id, certificate)).toBe(false);
  });
});

describe('a device token', () => {
  it('reads as what was signed', () => {
    const claims = { deviceId: 'JT08FFQXWQ', accountId: '01J0000000000000000000000A', generation: 3 };
    const secret = Buffer.alloc(32, 7);
    expect(readDeviceToken(signDeviceToken(claims, secret), secret)).toEqual(claims);
  });
});
