import { until } from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CountingDevice } from './counting-device.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.create();
});
afterAll(() => world?.[Symbol.asyncDispose]());

describe('a release', () => {
  it('of a device that is on: it forgets its certificate, registers anew and waits for its next owner', async () => {
    const { device, program, id } = await world.connectedDevice();
    const next = await world.newOwner('Next', 'next-on@example.com');
    await world.cloud.id(['device', 'release', id]);
    await until(
      'the certificate to be gone',
      async () => (await device.read('certs', 'ioto.crt')) === undefined,
    );
    expect(await device.id()).toBe(id);
    const release = await world.cloud.call('/device/get', { bearer: world.owner.token, body: { id } });
    expect(release.status).toBe(404);
    expect((await world.claim(id, next)).status).toBe(200);
    await until('the new certificate', async () => device.read('certs', 'ioto.crt'), { timeout: 20_000 });
    await world.online(id, program);
    expect((await world.show(id)).accountId).toBe(next.accountId);
  });

  it('of a device that is off, and its claim by another account: the next owner gets nothing of the last', async () => {
    const device = await world.device();
    await using counting = new CountingDevice(device);
    await counting.start();
    const id = await world.registered(device);
    expect((await world.claim(id)).status).toBe(200);
    const reached = await counting.countTo(30);
    await until('the cloud to have it', async () => Number(await world.stored(id, 'counter')) >= reached);
    await counting.kill();

    await world.cloud.id(['device', 'release', id]);
    const next = await world.newOwner('Next', 'next-off@example.com');
    expect((await world.claim(id, next)).status).toBe(200);

    await counting.start({ idle: true });
    await counting.program.waitFor(/ready\./);
    expect((await world.show(id)).accountId).toBe(next.accountId);
    const { json } = await world.cloud.call('/generic/find', {
      bearer: next.token,
      body: { _type: 'Store', deviceId: id },
    });
    expect(JSON.stringify(json)).not.toContain('counter');
    await counting.kill();
    await counting.start({ idle: true });
    expect(counting.startedWith).toBe(0);
  });

  it('of a device that is off and claimed by nobody: it comes back unclaimed, with its ID', async () => {
    const { device, program, id } = await world.connectedDevice();
    await program.kill();
    await world.cloud.id(['device', 'release', id]);
    world.switchOn(device);
    await until(
      'the certificate to be gone',
      async () => (await device.read('certs', 'ioto.crt')) === undefined,
      {
        timeout: 15_000,
      },
    );
    expect(await device.id()).toBe(id);
    expect((await world.claim(id)).status).toBe(200);
    await until('the new certificate', async () => device.read('certs', 'ioto.crt'), { timeout: 20_000 });
  });

  it('is recorded, as is every claim, for the owner to see', async () => {
    const { id } = await world.connectedDevice();
    await world.cloud.id(['device', 'release', id]);
    const actions = (await world.audit())
      .filter((entry) => entry.deviceId === id)
      .map(({ action }) => action);
    expect(actions).toEqual(['device.released', 'device.provisioned', 'device.claimed']);
  });

  it('by another account is refused', async () => {
    const { id } = await world.connectedDevice();
    const rival = await world.newOwner('Rival', 'release-rival@example.com');
    const answer = await world.cloud.call('/device/release', { bearer: rival.token, body: { id } });
    expect([403, 404]).toContain(answer.status);
    expect((await world.show(id)).accountId).toBe(world.owner.accountId);
  });
});

describe('self-claim', () => {
  it('where the account has not switched it on leaves the device unclaimed', async () => {
    const cloudId = String((await world.cloud.id(['cloud', 'list'])).split(/\s/)[0]);
    const device = await world.device({
      settings: {
        device: { product: world.product, account: world.owner.accountId, cloud: cloudId },
      },
    });
    const program = world.switchOn(device);
    const id = await world.registered(device);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect((await world.cloud.call('/device/get', { bearer: world.owner.token, body: { id } })).status).toBe(
      404,
    );
    await program.kill();
  });

  it('where the account has switched it on for the product claims the device by itself', async () => {
    const owner = await world.newOwner('Self', 'self@example.com');
    const update = { selfClaim: { enabled: true, products: [world.product] } };
    const { status } = await world.cloud.call('/account/update', { bearer: owner.token, body: update });
    expect(status).toBe(200);
    const cloudId = String((await world.cloud.id(['cloud', 'list'])).split(/\s/)[0]);
    const device = await world.device();
    const program = world.switchOn(device, ['--account', owner.accountId, '--cloud', cloudId]);
    const id = await world.registered(device);
    await world.online(id, program);
    expect((await world.show(id)).accountId).toBe(owner.accountId);
  });
});
