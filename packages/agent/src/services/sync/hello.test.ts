import { SYNC_ABILITIES } from '@ioto/protocol';
import { describe, expect, it } from 'vitest';
import { agreedOn } from '../../../test/fake-cloud.ts';
import { until, World } from '../../../test/world.ts';

const HELLO = /\/sync\/hello\/\d+$/;

describe('a device at a cloud that agrees on everything', () => {
  it('sends lean items with a report, and takes one acknowledgement for all of a batch', async () => {
    await using world = await World.create();
    world.cloud.hello = () => agreedOn(SYNC_ABILITIES);
    const agent = await world.readyAgent();
    await until(() => agent.db.outbox.size === 0);
    const before = world.cloud.batches.length;
    await agent.store.set('a', '1');
    await until(() => agent.db.outbox.size === 0);
    const [batch] = world.cloud.batches.slice(before);
    expect(Object.keys(batch ?? {})).toEqual(['seq', 'changes', 'through', 'beside', 'latest', 'pending']);
    expect(batch).toMatchObject({ latest: batch?.through, pending: 0 });
    const { cmd, key, item } = batch?.changes[0] ?? {};
    expect([cmd, key]).toEqual(['upsert', 's#a']);
    expect(Object.keys(item ?? {}).sort()).toEqual(['_type', 'created', 'key', 'type', 'updated', 'value']);
  });

  it('leaves out since when an item is that the cloud has acknowledged, and of no other', async () => {
    await using world = await World.create();
    world.cloud.hello = () => agreedOn(SYNC_ABILITIES);
    const agent = await world.readyAgent();
    await agent.store.set('a', '1');
    await until(() => agent.db.outbox.size === 0);
    world.cloud.batches.length = 0;
    await agent.store.set('a', '2');
    await until(() => agent.db.outbox.size === 0);
    world.cloud.cut(agent.id ?? '');
    // Both before the cloud has any of them: the second is still the first that it hears of.
    await agent.store.set('b', '1');
    await agent.store.set('b', '2');
    await until(() => agent.db.outbox.size === 0);
    const of = (name: string) =>
      world.cloud.batches.flatMap(({ changes }) => changes).filter(({ key }) => key === name);
    expect(of('s#a').every(({ item }) => !('created' in item))).toBe(true);
    expect(of('s#a')).not.toEqual([]);
    expect(of('s#b').at(0)?.item).toHaveProperty('created');
  });

  it('goes by the clock that the cloud tells with its answer, before it hears of it otherwise', async () => {
    await using world = await World.create();
    Object.assign(world.cloud, {
      hello: () => agreedOn(SYNC_ABILITIES),
      endsSyncDown: false,
      acknowledges: false,
    });
    const agent = world.agent();
    agent.once('device:registered', ({ id }) => world.cloud.claim(id));
    await agent.start();
    await until(() => world.cloud.batches.length > 0);
    const stored = { _type: 'Store', sk: 's#a', key: 'a', type: 'string' };
    await world.cloud.sync(agent.id, 'UPSERT', {
      ...stored,
      value: 'ahead',
      updated: '2099-01-01T00:00:00.000Z',
    });
    const updated = new Date(Date.now() + 1000).toISOString();
    await world.cloud.sync(agent.id, 'MODIFY', { ...stored, value: 'owner', updated });
    expect(agent.store.get('a')).toBe('owner');
  });

  it('names its database the same after a restart, and says where it stands', async () => {
    await using world = await World.create();
    world.cloud.hello = () => agreedOn(SYNC_ABILITIES);
    const agent = await world.readyAgent();
    await until(() => agent.db.outbox.size === 0);
    await agent.stop();
    const again = world.agent();
    const ready = again.next('cloud:ready', AbortSignal.timeout(5000));
    await again.start();
    await ready;
    const [first, second] = world.cloud.hellos;
    expect(second?.generation).toBe(first?.generation);
    expect(second?.schema).toBe(first?.schema);
    expect(first?.pending).toBeGreaterThan(0);
    expect(second).toMatchObject({ v: 1, pending: 0, can: [...SYNC_ABILITIES] });
  });
});

describe('a device at a cloud that it does not know to be one of ours', () => {
  it('publishes nothing that the contract does not have', async () => {
    await using world = await World.create();
    world.cloud.provisionAnswer = { ca: undefined };
    const agent = await world.readyAgent({ settings: { mqtt: { authority: world.directory.at('ca.pem') } } });
    await agent.store.set('a', '1');
    await until(() => agent.db.outbox.size === 0);
    expect(world.cloud.topics.filter((topic) => !/\/db\/(syncToDynamo|syncDown)$/.test(topic))).toEqual([]);
    for (const batch of world.cloud.batches) expect(Object.keys(batch)).toEqual(['seq', 'changes']);
    const item = world.cloud.batches.at(-1)?.changes.at(-1)?.item;
    expect(item).toMatchObject({ sk: 's#a', accountId: 'account1', deviceId: agent.id });
  });

  it('asks one that says so, whatever else it answers', async () => {
    await using world = await World.create();
    world.cloud.provisionAnswer = { ca: undefined, sync: 1 };
    await world.readyAgent({ settings: { mqtt: { authority: world.directory.at('ca.pem') } } });
    expect(world.cloud.topics.filter((topic) => HELLO.test(topic))).toHaveLength(1);
    expect(JSON.parse(await world.state('config', 'provision.json5'))).toMatchObject({ sync: 1 });
  });
});

describe('a device whose hello is answered by nobody, or by nonsense', () => {
  it('syncs by the contract', async () => {
    await using world = await World.create();
    world.cloud.hello = () => 'not JSON';
    const agent = await world.readyAgent();
    await until(() => agent.db.outbox.size === 0);
    for (const batch of world.cloud.batches) expect(Object.keys(batch)).toEqual(['seq', 'changes']);
  });
});
