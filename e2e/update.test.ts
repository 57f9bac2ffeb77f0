import { createHash, randomBytes } from 'node:crypto';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { newClaimId } from '@ioto/protocol';
import { until } from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Maker, UpdatingDevice } from './updating-device.ts';
import { World } from './world.ts';

let world: World;
let maker: Maker;
beforeAll(async () => {
  world = await World.create();
  maker = await Maker.create(world);
});
afterAll(() => world?.[Symbol.asyncDispose]());

const image = randomBytes(3 * 1024 ** 2);

function fetchBare(url: string): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    request(url, { ca: world.cloud.authority, agent: false }, (answer) => {
      answer
        .toArray()
        .then((pieces) => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(pieces) }), reject);
    })
      .on('error', reject)
      .end();
  });
}

describe('software for devices', () => {
  it('reaches a device that asks, whose script puts it in place and ends the program; the owner sees that it runs', async () => {
    const device = await UpdatingDevice.create(world, maker);
    await device.script('install\necho exit');
    await maker.publish('1.1.0', image, device.id);
    const program = device.start();
    expect(await program.exited, program.said).toEqual({ code: 0, signal: null });
    expect((await device.installed()).equals(image)).toBe(true);
    device.start();
    expect(await device.result('1.1.0')).toMatchObject({ outcome: 'applied' });
    expect(await device.software()).toMatchObject({ version: '1.1.0' });
    expect(await device.ran()).toEqual(['1.1.0']);
    const reports = (await world.audit()).filter(({ deviceId }) => deviceId === device.id);
    expect(reports.map(({ action }) => action)).toContain('update.reported');
    await device.program?.kill();
  });

  it('brings the program up again by itself where the script asks for it', async () => {
    const device = await UpdatingDevice.create(world, maker);
    await device.script('install\necho restart');
    await maker.publish('1.2.0', image, device.id);
    const program = device.start();
    expect(await device.result('1.2.0')).toMatchObject({ outcome: 'applied' });
    const { pid } = JSON.parse((await device.read('lock')) ?? '{}');
    expect(pid).not.toBe(program.pid);
    process.kill(pid, 'SIGTERM');
    expect(await program.exited).toEqual({ code: 0, signal: null });
  });

  it('is fetched at once by a device that has a job for it, which is done when that version runs', async () => {
    const never = { delay: '1 day', period: '1 day' };
    const device = await UpdatingDevice.create(world, maker, never, { mqtt: true, jobs: true });
    await device.script('install\necho exit');
    await maker.publish('1.2.5', image, device.id);
    const { accountId } = world.owner;
    const jobId = 'software';
    const order = { accountId, jobId, document: { operation: 'update' }, devices: [device.id] };
    expect((await world.adminCall('/job/create', order)).status).toBe(201);
    const execution = async () =>
      (
        (await world.adminCall('/job/executions', { accountId, jobId })).json.items as { status: string }[]
      )[0];
    const program = device.start();
    expect(await program.exited, program.said).toEqual({ code: 0, signal: null });
    expect((await execution())?.status).toBe('IN_PROGRESS');
    device.start();
    await until('the job to be done', async () => (await execution())?.status === 'SUCCEEDED');
    expect((await device.installed()).equals(image)).toBe(true);
    expect(await device.ran()).toEqual(['1.2.5']);
    await device.program?.kill();
  });

  it('goes on where it was when the cloud, or the device, dies in the middle of the download', async () => {
    // More than what the system holds of it on the way.
    const image = randomBytes(30 * 1024 ** 2);
    const device = await UpdatingDevice.create(world, maker, { throttle: '6mb' });
    await device.script('install\necho exit');
    await maker.publish('1.3.0', image, device.id);
    const part = () => stat(device.at('state', 'update', 'image.part'));
    const size = async () => (await part().catch(() => ({ size: 0 }))).size;
    const first = device.start();
    await until('a part of the image', async () => (await size()) > 200_000, { every: 20 });
    await world.stopCloud();
    await until('the download to break off', () => /UPDATE_TRUNCATED|URL_/.test(first.said));
    const broken = await size();
    await world.startCloud();
    await until('the download to go on', async () => (await size()) > broken + 100_000, { every: 20 });
    await first.kill();
    const before = await size();
    await device.configure({ throttle: 'unlimited' });
    const second = device.start();
    await second.exited;
    expect((await device.installed()).equals(image)).toBe(true);
    expect(before).toBeGreaterThan(300_000);
    expect(before).toBeLessThan(image.length);
    device.start();
    expect(await device.result('1.3.0')).toMatchObject({ outcome: 'applied' });
    await device.program?.kill();
  });

  it('is told to agents of the field, which fetch it with nothing but the URL', async () => {
    const agent = world.oldAgent(newClaimId());
    await agent.register();
    await world.claim(agent.id);
    await agent.register();
    await maker.publish('1.4.0', image, agent.id);
    const { token } = agent.memory.provision;
    const body = { id: agent.id, product: world.product, version: '1.0.0', iotoVersion: '3.0.0' };
    const answer = await world.cloud.call('/tok/provision/update', {
      ...{ bearer: token, body, headers: { 'ioto-agent': '' } },
    });
    const { url, version, checksum, ...more } = answer.json as Record<string, string>;
    expect({ version, more }).toEqual({ version: '1.4.0', more: {} });
    const fetched = await fetchBare(String(url));
    expect(createHash('sha256').update(fetched.body).digest('hex')).toBe(checksum);
    // Refused as before, in the words that make such an agent register anew.
    expect(await agent.checkUpdate()).toBe(false);
    await world.cloud.id(['device', 'release', agent.id]);
    expect(await agent.checkUpdate()).toBe(true);
  });
});

describe('software that is', () => {
  it('altered in the store of the cloud, or unsigned, is not applied, and the owner hears why', async () => {
    const device = await UpdatingDevice.create(world, maker);
    await device.script('install');
    const before = new Set(await readdir(join(world.cloud.state, 'blobs')));
    await maker.publish('1.5.0', image, device.id);
    const [blob] = (await readdir(join(world.cloud.state, 'blobs'))).filter((file) => !before.has(file));
    await writeFile(join(world.cloud.state, 'blobs', String(blob)), Buffer.alloc(image.length));
    device.start();
    expect(await device.result('1.5.0')).toMatchObject({ outcome: 'failed', code: 'UPDATE_CHECKSUM' });
    await device.program?.kill();
    await maker.publish('1.6.0', image, device.id, ['--unsigned']);
    device.start();
    expect(await device.result('1.6.0')).toMatchObject({ outcome: 'failed', code: 'UPDATE_UNSIGNED' });
    expect(await device.ran()).toEqual([]);
    await device.program?.kill();
  });
});
