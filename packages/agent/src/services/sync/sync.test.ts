import { describe, expect, it } from 'vitest';
import { until, World } from '../../../test/world.ts';

const LATER = '2099-01-01T00:00:00.000Z';
const EARLIER = '2001-01-01T00:00:00.000Z';
const stored = (key: string, value: string, updated: string) => ({
  _type: 'Store',
  sk: `s#${key}`,
  key,
  value,
  type: 'string',
  updated,
});

describe('a queue that is full', () => {
  it('refuses what it has no room for, and does not keep the device from the cloud that empties it', async () => {
    await using world = await World.create();
    const agent = world.agent({ settings: { database: { maxQueue: 1 } } });
    const ready = agent.next('cloud:ready', AbortSignal.timeout(5000));
    const registered = agent.next('device:registered', AbortSignal.timeout(5000));
    await agent.start();
    await agent.store.set('a', '1');
    await expect(agent.store.set('b', '2')).rejects.toMatchObject({ code: 'QUEUE_FULL', status: 507 });
    world.cloud.claim((await registered).id);
    await ready;
    await until(() => agent.db.outbox.size === 0);
    expect(world.cloud.items.get('s#a')).toMatchObject({ value: '1' });
    await agent.store.set('b', '2');
  });

  it('says what it gave up', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent({ settings: { database: { maxQueue: 2 } } });
    await until(() => agent.db.outbox.size === 0);
    world.cloud.acknowledges = false;
    const lost = agent.next('sync:lost', AbortSignal.timeout(5000));
    for (const id of ['1', '2', '3']) await agent.db.create('Log', { id, message: 'x' });
    expect(await lost).toEqual({ model: 'Log', count: 1, reason: 'full', total: 1 });
    expect(agent.db.stats.lost).toEqual({ Log: 1 });
  });
});

describe('sync down', () => {
  it('applies what changed in the cloud, whatever the verb', async () => {
    await using world = await World.create();
    world.cloud.backlog = [{ verb: 'INSERT', item: stored('while-off', 'x', LATER) }];
    const agent = await world.readyAgent();
    expect(agent.store.get('while-off')).toBe('x');
    await world.cloud.sync(agent.id, 'MODIFY', stored('a', '1', LATER));
    await world.cloud.sync(agent.id, 'UPSERT', stored('b', '2', LATER));
    expect([agent.store.get('a'), agent.store.get('b')]).toEqual(['1', '2']);
    await world.cloud.sync(agent.id, 'REMOVE', {
      _type: 'Store',
      sk: 's#a',
      updated: '2099-01-02T00:00:00.000Z',
    });
    expect(agent.store.get('a')).toBeUndefined();
  });

  it('does not send up again what came down', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    await until(() => agent.db.outbox.size === 0);
    const before = world.cloud.batches.length;
    await world.cloud.sync(agent.id, 'UPSERT', stored('a', '1', LATER));
    expect(agent.db.outbox.size).toBe(0);
    expect(world.cloud.batches.length).toBe(before);
  });

  it('keeps the newer item of the device and sends it back', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    await agent.store.set('a', 'mine');
    await until(() => agent.db.outbox.size === 0);
    world.cloud.items.clear();
    await world.cloud.sync(agent.id, 'UPSERT', stored('a', 'stale', EARLIER));
    expect(agent.store.get('a')).toBe('mine');
    expect(await until(() => world.cloud.items.get('s#a'))).toMatchObject({ value: 'mine' });
  });

  it('keeps an item removed whose removal is newer and still on its way up', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    await agent.store.set('a', 'mine');
    await until(() => agent.db.outbox.size === 0);
    world.cloud.acknowledges = false;
    await agent.store.remove('a');
    await world.cloud.sync(agent.id, 'UPSERT', stored('a', 'stale', EARLIER));
    expect(agent.store.get('a')).toBeUndefined();
  });

  it('keeps an item removed whose removal is newer and long in the cloud', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    await agent.store.set('a', 'mine');
    await agent.store.remove('a');
    await until(() => agent.db.outbox.size === 0);
    world.cloud.batches.length = 0;
    await world.cloud.sync(agent.id, 'UPSERT', stored('a', 'stale', EARLIER));
    expect(agent.store.get('a')).toBeUndefined();
    const back = () => world.cloud.batches.flatMap(({ changes }) => changes);
    await until(() => back().length > 0);
    expect(back()).toMatchObject([{ cmd: 'remove', key: 's#a', item: { _type: 'Store', key: 'a' } }]);
  });

  it('does not bring back what the cloud has removed, when the order of messages is lost', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    const removal = { _type: 'Store', sk: 's#a', updated: '2098-01-01T00:00:00.000Z' };
    await world.cloud.sync(agent.id, 'REMOVE', removal);
    await world.cloud.sync(agent.id, 'INSERT', stored('a', 'stale', '2097-01-01T00:00:00.000Z'));
    expect(agent.store.get('a')).toBeUndefined();
    await world.cloud.sync(agent.id, 'INSERT', stored('a', 'new', LATER));
    expect(agent.store.get('a')).toBe('new');
  });

  it('of the same time takes the larger content, whichever came first, as the cloud does', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    for (const value of ['b', 'a', 'c', 'b']) {
      await world.cloud.sync(agent.id, 'UPSERT', stored('a', value, LATER));
    }
    expect(agent.store.get('a')).toBe('c');
  });

  it('takes the time that the cloud gave to what came from a clock that is years ahead', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    await world.cloud.sync(agent.id, 'UPSERT', stored('a', 'ahead', LATER));
    const redated = stored('a', 'owner', new Date(Date.now() + 1000).toISOString());
    await world.cloud.sync(agent.id, 'MODIFY', redated);
    expect(agent.store.get('a')).toBe('owner');
  });

  it('asks for what changed since the last completed one', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    const ready = agent.next('cloud:ready');
    world.cloud.cut(agent.id);
    await ready;
    const [first, second] = world.cloud.downRequests;
    expect(first).toBe(new Date(0).toISOString());
    expect(Date.parse(second ?? '')).toBeGreaterThan(Date.now() - 60_000);
  });

  it('asks for everything after a restart that took what is kept in memory only', async () => {
    await using world = await World.create();
    const first = await world.readyAgent();
    await first.stop();
    const second = world.agent();
    let ready = second.next('cloud:ready');
    await second.start();
    await ready;
    const broadcast = { _type: 'Broadcast', sk: 'bcast#motd', key: 'motd', value: 'x', updated: LATER };
    await world.cloud.sync(second.id, 'INSERT', broadcast);
    await second.stop();
    world.cloud.backlog = [{ verb: 'UPSERT', item: broadcast }];
    const third = world.agent();
    ready = third.next('cloud:ready');
    await third.start();
    await ready;
    expect(third.db.get('Broadcast', { key: 'motd' })).toMatchObject({ value: 'x' });
    ready = third.next('cloud:ready');
    world.cloud.cut(third.id);
    await ready;
    const asked = world.cloud.downRequests.map((time) => Date.parse(time) === 0);
    expect(asked).toEqual([true, false, true, false]);
  });

  it('is asked for again when its end does not come', async () => {
    await using world = await World.create();
    world.cloud.endsSyncDown = false;
    const agent = world.agent();
    agent.once('device:registered', ({ id }) => world.cloud.claim(id));
    const ready = agent.next('cloud:ready', AbortSignal.timeout(5000));
    await agent.start();
    await until(() => world.cloud.downRequests.length > 1);
    world.cloud.endsSyncDown = true;
    await ready;
  });

  it('drops what it cannot understand, and goes on', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    const { id } = agent;
    const topic = `ioto/device/${id}/sync/UPSERT`;
    for (const payload of [
      'not JSON',
      '[]',
      '{}',
      '{"_type":"Nonsense"}',
      '{"_type":"SyncState","lastSync":"2099"}',
    ]) {
      expect(await world.cloud.deliver(id, topic, payload)).toBe('acknowledged');
    }
    expect(await world.cloud.deliver(id, `ioto/device/${id}/nobody/knows`, 'x')).toBe('acknowledged');
    await world.cloud.sync(id, 'UPSERT', stored('after', 'all', LATER));
    expect(agent.store.get('after')).toBe('all');
  });
});

describe('sync up', () => {
  it('brings everything that was written while the cloud was away, also over a restart', async () => {
    await using world = await World.create();
    const first = await world.readyAgent();
    world.cloud.admit = () => 3;
    world.cloud.cut(first.id);
    await until(() => first.status.phase === 'provisioned');
    await first.store.set('one', 1);
    await first.stop();
    const second = world.agent();
    await second.start();
    await second.store.set('two', 2);
    world.cloud.admit = () => 0;
    await until(() => world.cloud.items.has('s#one') && world.cloud.items.has('s#two'));
  });

  it('never has an item that no message could carry: such a write is refused', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    await expect(agent.store.set('huge', 'x'.repeat(130_000))).rejects.toMatchObject({
      code: 'ITEM_TOO_LARGE',
    });
    await agent.store.set('large', 'x'.repeat(110_000));
    await until(() => world.cloud.items.has('s#large'));
  });

  it('sends again what was not acknowledged', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    world.cloud.acknowledges = false;
    await agent.store.set('a', 1);
    const about = () => world.cloud.batches.filter(({ changes }) => changes.some(({ key }) => key === 's#a'));
    await until(() => about().length >= 2);
    world.cloud.acknowledges = true;
    await until(() => agent.db.outbox.size === 0);
  });

  it('describes the device once, and leaves a name that the owner edited alone', async () => {
    await using world = await World.create();
    const first = await world.readyAgent({ settings: { device: { name: 'As shipped', model: 'M1' } } });
    const key = `d#${first.id}`;
    expect(await until(() => world.cloud.items.get(key))).toMatchObject({ name: 'As shipped', model: 'M1' });
    await world.cloud.sync(first.id, 'MODIFY', {
      _type: 'Device',
      sk: key,
      id: first.id,
      name: 'Kitchen',
      updated: LATER,
    });
    await first.stop();
    const second = await world.readyAgent({ settings: { device: { name: 'As shipped', model: 'M1' } } });
    expect(second.db.get('Device', { id: second.id })).toMatchObject({ name: 'Kitchen' });
  });
});

describe('a Command', () => {
  const command = (id: string, name: string, args?: object) => ({
    _type: 'Command',
    id,
    command: name,
    args,
    updated: new Date().toISOString(),
  });

  it('is raised by its name, once, however often it is delivered, also after a restart', async () => {
    await using world = await World.create();
    const runs: unknown[] = [];
    const first = world.agent();
    first.on('device:command:blink', (facts) => runs.push(facts));
    first.once('device:registered', ({ id }) => world.cloud.claim(id));
    const ready = first.next('cloud:ready');
    await first.start();
    await ready;
    await world.cloud.sync(first.id, 'INSERT', command('01', 'blink', { times: 3 }));
    await world.cloud.sync(first.id, 'INSERT', { ...command('01', 'blink'), updated: LATER });
    await world.cloud.sync(first.id, 'REMOVE', { _type: 'Command', id: '01', updated: LATER });
    await world.cloud.sync(first.id, 'INSERT', command('01', 'blink'));
    await first.stop();
    const second = world.agent();
    second.on('device:command:blink', (facts) => runs.push(facts));
    const back = second.next('cloud:ready');
    await second.start();
    await back;
    await world.cloud.sync(second.id, 'INSERT', { ...command('01', 'blink'), updated: LATER });
    expect(runs).toEqual([{ id: '01', command: 'blink', args: { times: 3 } }]);
  });

  it('is journalled before it is acted on', async () => {
    await using world = await World.create();
    const runs: unknown[] = [];
    const agent = world.agent({
      checkpoint: (moment) => {
        if (moment === 'command-journalled') expect(runs).toEqual([]);
      },
    });
    agent.on('device:command', (facts) => runs.push(facts));
    agent.once('device:registered', ({ id }) => world.cloud.claim(id));
    const ready = agent.next('cloud:ready');
    await agent.start();
    await ready;
    await world.cloud.sync(agent.id, 'INSERT', command('02', 'anything'));
    expect(runs).toHaveLength(1);
  });

  it('that was kept, but not journalled when the power went, is acted on when it comes again, once', async () => {
    await using world = await World.create();
    const runs: unknown[] = [];
    const agent = await world.readyAgent();
    agent.on('device:command:blink', (facts) => runs.push(facts));
    const cut = command('05', 'blink', { times: 2 });
    await agent.db.apply({ cmd: 'upsert', item: cut });
    await world.cloud.sync(agent.id, 'UPSERT', cut);
    await world.cloud.sync(agent.id, 'UPSERT', cut);
    expect(runs).toEqual([{ id: '05', command: 'blink', args: { times: 2 } }]);
  });

  it('to release makes the device begin anew; to reboot is the embedder’s to do', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    const reboot = agent.next('device:reboot', AbortSignal.timeout(5000));
    await world.cloud.sync(agent.id, 'INSERT', command('03', 'reboot'));
    expect(await reboot).toMatchObject({ id: '03' });
    const released = agent.next('device:released', AbortSignal.timeout(5000));
    world.cloud.claims.clear();
    void world.cloud.sync(agent.id, 'INSERT', command('04', 'reprovision'));
    expect(await released).toMatchObject({ reason: 'command' });
    await until(() => agent.status.phase === 'registered');
  });
});
