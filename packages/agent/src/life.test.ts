import { describe, expect, it } from 'vitest';
import { until, World } from '../test/world.ts';

describe("a device's life", () => {
  it('goes from nothing to in step with the cloud, and its writes arrive there', async () => {
    await using world = await World.create();
    const agent = world.agent();
    const story: string[] = [];
    for (const step of [
      'device:serialized',
      'local:ready',
      'device:registered',
      'device:claimed',
      'device:provisioned',
      'mqtt:connected',
      'cloud:ready',
    ] as const) {
      agent.on(step, () => story.push(step));
    }
    agent.once('device:registered', ({ id }) => world.cloud.claim(id));
    const provisioned = agent.next('device:provisioned');
    const connected = agent.next('mqtt:connected');
    const ready = agent.next('cloud:ready');
    const early = agent.ready().then(() => agent.status.phase);
    await agent.start();
    await agent.store.set('counter', 42);
    expect(await ready).toMatchObject({ id: agent.id, accountId: 'account1' });
    // Whoever asks when it is ready need not have asked before.
    await agent.ready();
    expect(await early).toBe('ready');
    expect((await provisioned).certificate.subject).toBe(`CN=${agent.id}`);
    expect(await connected).toMatchObject({
      tlsVersion: 'TLSv1.3',
      alpn: 'x-amzn-mqtt-ca',
      endpoint: 'localhost',
    });
    const item = await until(() => world.cloud.items.get('s#counter'));
    expect(item).toMatchObject({
      _type: 'Store',
      sk: 's#counter',
      key: 'counter',
      value: '42',
      type: 'number',
    });
    expect(item).not.toHaveProperty('pk');
    expect(story).toEqual([
      'device:serialized',
      'local:ready',
      'device:registered',
      'device:claimed',
      'device:provisioned',
      'mqtt:connected',
      'cloud:ready',
    ]);
  });

  it('resumes with the stored certificate: no registration, no new certificate', async () => {
    await using world = await World.create();
    const first = await world.readyAgent();
    const { id } = first;
    await first.stop();
    const calls = world.cloud.calls.length;
    const second = world.agent();
    const ready = second.next('cloud:ready', AbortSignal.timeout(5000));
    await second.start();
    await ready;
    expect(second.id).toBe(id);
    expect(world.cloud.calls.length).toBe(calls);
  });

  it('has its local services ready while there is no cloud, and they go on without one', async () => {
    await using world = await World.create();
    const agent = world.agent({
      builder: 'https://127.0.0.1:1/api',
      settings: { web: { listen: 'http://127.0.0.1:0' } },
    });
    const listening = agent.next('web:listening');
    const retry = agent.next('cloud:retry', AbortSignal.timeout(5000));
    await agent.start();
    const [url = ''] = (await listening).addresses;
    expect(await retry).toMatchObject({ step: 'register', code: 'URL_UNREACHABLE' });
    await agent.store.set('offline', true);
    expect(agent.store.get('offline')).toBe(true);
    const page = await agent.url.fetch(url);
    expect(page.text()).toContain(agent.id.slice(0, 5));
    expect(page.text()).toContain('ECONNREFUSED');
  });

  it('goes on from a hanging builder at once when it is told to stop', async () => {
    await using world = await World.create();
    const agent = world.agent();
    const waiting = agent.next('device:waiting');
    await agent.start();
    await waiting;
    const began = Date.now();
    await agent.stop();
    expect(Date.now() - began).toBeLessThan(1000);
  });

  it('learns a new address of its cloud from the builder when the old one does not answer', async () => {
    await using world = await World.create();
    let moved = false;
    world.cloud.intercept = ({ path }, answer) => {
      const body = answer.body as { api?: string };
      if (!path.endsWith('register') || body.api === undefined || moved) return undefined;
      moved = true;
      return { body: { ...body, api: 'https://127.0.0.1:1/api' } };
    };
    const agent = await world.readyAgent();
    expect(agent.status.phase).toBe('ready');
    expect(moved).toBe(true);
  });
});
