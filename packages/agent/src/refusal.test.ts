import { describe, expect, it } from 'vitest';
import { until, World } from '../test/world.ts';

describe('a certificate that the cloud refuses', () => {
  it('is forgotten only on an answer that says the device is not claimed; then the device can be claimed anew', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    const { id } = agent;
    const released = agent.next('device:released', AbortSignal.timeout(5000));
    world.cloud.release(id);
    world.cloud.cut(id);
    expect(await released).toEqual({ id, reason: 'unclaimed' });
    await expect(world.state('certs', 'ioto.crt')).rejects.toThrow('ENOENT');
    await until(() => agent.status.phase === 'registered');
    world.cloud.admit = () => 0;
    const ready = agent.next('cloud:ready', AbortSignal.timeout(5000));
    world.cloud.claim(id, 'account2');
    expect(await ready).toMatchObject({ id, accountId: 'account2' });
  });

  it('is kept while the builder cannot be asked, and works again when the cloud takes it back', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    const before = world.cloud.callsTo('register').length;
    world.cloud.intercept = () => ({ status: 503, body: { error: 'down' } });
    world.cloud.admit = () => 5;
    world.cloud.cut(agent.id);
    await until(() => world.cloud.callsTo('register').length > before + 1);
    expect(await world.state('config', 'provision.json5')).toContain('certificate');
    const ready = agent.next('cloud:ready', AbortSignal.timeout(5000));
    world.cloud.admit = () => 0;
    await ready;
  });

  it('leads to asking for one again when the device is still claimed', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    world.cloud.admit = () => 5;
    const provisioned = agent.next('device:provisioned', AbortSignal.timeout(5000));
    world.cloud.cut(agent.id);
    await provisioned;
    world.cloud.admit = () => 0;
    await agent.next('cloud:ready', AbortSignal.timeout(5000));
    expect(world.cloud.callsTo('register').length).toBeGreaterThan(1);
    expect(world.cloud.issued.size).toBe(1);
  });

  it('is never the reason to register while the cloud is merely away', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    const before = world.cloud.calls.length;
    let retries = 0;
    agent.on('cloud:retry', () => {
      retries += 1;
    });
    world.cloud.admit = () => 3;
    world.cloud.cut(agent.id);
    await until(() => retries > 4);
    expect(world.cloud.calls.length).toBe(before);
    world.cloud.admit = () => 0;
    await agent.next('cloud:ready', AbortSignal.timeout(5000));
  });

  it('is obtained again when its files are gone although the record names them', async () => {
    await using world = await World.create();
    const first = await world.readyAgent();
    await first.stop();
    const { rm } = await import('node:fs/promises');
    await rm(world.directory.at('state', 'certs', 'ioto.crt'));
    const second = world.agent();
    const ready = second.next('cloud:ready', AbortSignal.timeout(5000));
    await second.start();
    await ready;
    expect(world.cloud.issued.size).toBe(1);
  });
});

describe('a release', () => {
  it('that is fresh makes the device forget its certificate and wait for its next owner', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    const { id } = agent;
    const released = agent.next('device:released', AbortSignal.timeout(5000));
    world.cloud.release(id);
    const outcome = await world.cloud.deliver(id, `ioto/device/${id}/provision/release`, String(Date.now()));
    expect(outcome).toBe('acknowledged');
    expect(await released).toEqual({ id, reason: 'message' });
    await until(() => agent.status.phase === 'registered');
    expect(agent.status).toMatchObject({ claimed: false, connected: false, id });
  });

  it('that is older than ten seconds is ignored', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    const { id } = agent;
    await world.cloud.deliver(id, `ioto/device/${id}/provision/release`, String(Date.now() - 11_000));
    expect(agent.status.claimed).toBe(true);
    expect(world.cloud.isConnected(id)).toBe(true);
  });

  it('gives the next owner nothing of the last', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    await agent.store.set('secret', 'of the first owner');
    await until(() => world.cloud.items.has('s#secret'));
    world.cloud.release(agent.id);
    world.cloud.items.clear();
    await world.cloud.deliver(agent.id, `ioto/device/${agent.id}/provision/release`, String(Date.now()));
    await until(() => agent.status.phase === 'registered');
    world.cloud.admit = () => 0;
    const ready = agent.next('cloud:ready', AbortSignal.timeout(5000));
    world.cloud.claim(agent.id, 'account2');
    await ready;
    await until(() => world.cloud.items.has(`d#${agent.id}`));
    expect(agent.store.get('secret')).toBeUndefined();
    expect([...world.cloud.items.keys()]).not.toContain('s#secret');
    expect(world.cloud.downRequests.at(-1)).toBe(new Date(0).toISOString());
  });
});
