import { createPublicKey, X509Certificate } from 'node:crypto';
import { type DeviceFiles, dyingAfterWrite, until } from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CountingDevice } from './counting-device.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.create();
});
afterAll(() => world?.[Symbol.asyncDispose]());

/** Starts the device so that it dies right after it put that file in place, and waits for its death. */
async function dieAfter(device: DeviceFiles, name: string, count = 1): Promise<void> {
  const program = world.switchOn(device, [], dyingAfterWrite(name, count));
  const exit = await Promise.race([
    program.exited,
    new Promise<never>((_resolve, reject) =>
      setTimeout(() => reject(new Error(`it did not write ${name}. ${program.said}`)), 15_000),
    ),
  ]);
  expect(exit, program.said).toEqual({ code: null, signal: 'SIGKILL' });
}

/** How often the builder was asked to make a device known, by its audit record. */
async function publicKeyOf(device: DeviceFiles): Promise<string | undefined> {
  const pem = await device.read('certs', 'ioto.key');
  return pem && createPublicKey(pem).export({ type: 'spki', format: 'pem' }).toString();
}

describe('an agent killed after a state write and started again goes on from there', () => {
  it('serialize: it keeps the claim ID that it had written', async () => {
    const device = await world.device();
    await dieAfter(device, 'device.json5');
    const id = await device.id();
    expect(id).toMatch(/^[0-9A-HJKMNP-TV-Z]{10}$/);
    world.switchOn(device);
    expect(await world.registered(device)).toBe(id);
  });

  it('identity key: it keeps the key that it had made', async () => {
    const device = await world.device();
    await dieAfter(device, 'ioto.key');
    const key = await publicKeyOf(device);
    const program = world.switchOn(device);
    const id = await world.registered(device);
    expect(await publicKeyOf(device)).toBe(key);
    expect((await world.claim(id)).status).toBe(200);
    await world.online(id, program);
  });

  it('register: it is the same device to the builder, and can be claimed', async () => {
    const device = await world.device();
    await dieAfter(device, 'provision.json5');
    const id = await device.id();
    const program = world.switchOn(device);
    expect(await world.registered(device)).toBe(id);
    expect((await world.claim(id ?? '')).status).toBe(200);
    await world.online(id ?? '', program);
  });

  it('claim: it provisions without registering again', async () => {
    const device = await world.device();
    const first = world.switchOn(device);
    const id = await world.registered(device);
    await first.kill();
    expect((await world.claim(id)).status).toBe(200);
    await dieAfter(device, 'provision.json5');
    expect(await device.read('config', 'provision.json5')).toMatch(/token/);
    const program = world.switchOn(device);
    await world.online(id, program);
  });

  it('certificate: it connects with one for the same key, and the cloud knows one device', async () => {
    const device = await world.device();
    const first = world.switchOn(device);
    const id = await world.registered(device);
    await first.kill();
    expect((await world.claim(id)).status).toBe(200);
    await dieAfter(device, 'ioto.crt');
    const certificate = await device.read('certs', 'ioto.crt');
    const program = world.switchOn(device);
    await world.online(id, program);
    const now = new X509Certificate((await device.read('certs', 'ioto.crt')) ?? '');
    expect(now.serialNumber).toBe(new X509Certificate(certificate ?? '').serialNumber);
    expect(now.subject).toBe(`CN=${id}`);
  });

  it('provision answer: it connects with the certificate it has', async () => {
    const device = await world.device();
    const first = world.switchOn(device);
    const id = await world.registered(device);
    await first.kill();
    expect((await world.claim(id)).status).toBe(200);
    await dieAfter(device, 'provision.json5', 2);
    const certificate = await device.read('certs', 'ioto.crt');
    const program = world.switchOn(device);
    await world.online(id, program);
    expect(await device.read('certs', 'ioto.crt')).toBe(certificate);
  });

  it('connected: a restart neither registers nor provisions again', async () => {
    const { device, program, id } = await world.connectedDevice();
    const before = await device.read('certs', 'ioto.crt');
    await program.kill();
    const again = world.switchOn(device, ['--verbose']);
    await until('the new connection', () => /mqtt|connected/i.test(again.stdout + again.stderr));
    await world.online(id, again);
    expect(await device.read('certs', 'ioto.crt')).toBe(before);
    expect(again.stdout + again.stderr).not.toMatch(/device:registered|device:provisioned/);
  });
});

describe('writes that a device acknowledged', () => {
  it('are never lost, however often it is killed, and reach the cloud', async () => {
    const device = await world.device();
    await using counting = new CountingDevice(device);
    await counting.start();
    const id = await world.registered(device);
    expect((await world.claim(id)).status).toBe(200);
    let last = 0;
    for (let round = 0; round < 4; round += 1) {
      last = await counting.countTo(last + 20);
      last = Math.max(last, await counting.kill());
      await counting.start();
      expect(counting.startedWith, `round ${round}`).toBeGreaterThanOrEqual(last);
    }
    last = await counting.kill();
    await counting.start({ idle: true });
    const { startedWith } = counting;
    expect(startedWith).toBeGreaterThanOrEqual(last);
    await until(
      'the cloud to have it',
      async () => Number(await world.stored(id, 'counter')) === startedWith,
    );
  });
});
