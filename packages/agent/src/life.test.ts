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
    await agent.start();
    await agent.store.set('counter', 42);
    expect(await ready).toMatchObject({ id: agent.id, accountId: 'account1' });
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
});
