import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testSchema, World } from './database.fixture.ts';
import type { Loss, OutboxEntry } from './feed/outbox.ts';
import { KEEP_ALL, LOSE_ALL } from './journal/simulated-disk.fixture.ts';
import { compileSchema } from './schema/compile.ts';

const DAY = 86_400_000;

/** A schema whose Store and Log are processed so. */
function schemaWith(rules: { Store?: object; Log?: object }) {
  const rulesOf = (model: 'Store' | 'Log') => ({ enable: true, sync: 'up', ...rules[model] });
  const process = { ...testSchema.process, Store: rulesOf('Store'), Log: rulesOf('Log') };
  return compileSchema({ ...testSchema, process });
}

const keysOf = (entries: readonly OutboxEntry[]) => entries.map(({ key }) => key);

describe('a queue with a limit', () => {
  it('refuses one change more, and says which model, which limit and what to do', async () => {
    const db = await new World().open({ schema: schemaWith({ Store: { queue: { max: 2 } } }) });
    await db.create('Store', { key: 'a' });
    await db.create('Store', { key: 'b' });
    await expect(db.create('Store', { key: 'c' })).rejects.toMatchObject({
      code: 'QUEUE_FULL',
      status: 507,
      message: expect.stringMatching(/another Store: 2 wait, the limit is 2.*process\.Store\.queue\.max/),
      details: { model: 'Store', limit: 2 },
    });
    expect(db.get('Store', { key: 'c' })).toBeUndefined();
    await db.update('Store', { key: 'a', value: 'of what waits already' });
    await db.create('Note', { id: 'not synced' });
    db.outbox.acknowledge(db.outbox.pending(1));
    await db.create('Store', { key: 'c' });
  });

  it('has room again for what an item left by never having been sent', async () => {
    const db = await new World().open({ schema: schemaWith({ Store: { queue: { max: 1 } } }) });
    await db.create('Store', { key: 'a' });
    await db.remove('Store', { key: 'a' });
    await db.create('Store', { key: 'b' });
    expect(keysOf(db.outbox.pending(10))).toEqual(['s#b']);
  });

  it('takes the whole database in when all of it must go up', async () => {
    const db = await new World().open({ schema: schemaWith({ Store: { queue: { max: 2 } } }) });
    for (const key of ['a', 'b', 'c']) {
      await db.create('Store', { key });
      db.outbox.acknowledge(db.outbox.pending(1));
    }
    expect(await db.outbox.enqueueAll()).toBe(3);
    expect(db.outbox.size).toBe(3);
  });

  it('gives up the oldest change where the model allows it, and counts it', async () => {
    const schema = schemaWith({ Store: { queue: { max: 2, full: 'oldest' } } });
    const db = await new World().open({ schema });
    const losses: Loss[] = [];
    db.outbox.onLost((loss) => losses.push(loss));
    for (const key of ['a', 'b', 'c']) await db.create('Store', { key });
    expect(keysOf(db.outbox.pending(10))).toEqual(['s#b', 's#c']);
    expect(db.get('Store', { key: 'a' })).toBeDefined();
    expect(losses).toEqual([{ model: 'Store', count: 1, reason: 'full' }]);
    expect(db.outbox.lost()).toEqual({ Store: 1 });
    expect(db.stats.lost).toEqual({ Store: 1 });
  });

  it('gives up the item with its change where items are only there to be sent', async () => {
    const schema = schemaWith({ Log: { queue: { max: 2, full: 'oldest' }, keep: '1 day' } });
    const db = await new World().open({ schema });
    const removed: unknown[] = [];
    db.onChange(({ cmd, sk, origin }) => cmd === 'remove' && removed.push([sk, origin]));
    for (const id of ['1', '2', '3']) await db.create('Log', { id });
    expect(db.find('Log')).toHaveLength(2);
    expect(removed).toEqual([['l#1', 'queue']]);
  });

  it('takes back what it gave up when the change it was for fails', async () => {
    const world = new World();
    const db = await world.open({ schema: schemaWith({ Log: { queue: { max: 1, full: 'oldest' } } }) });
    await db.create('Log', { id: '1' });
    world.disk.fault = (operation) => (operation === 'write' ? { code: 'EIO' } : undefined);
    await expect(db.create('Log', { id: '2' })).rejects.toMatchObject({ code: 'DATABASE_WRITE_FAILED' });
    expect(keysOf(db.outbox.pending(10))).toEqual(['l#1']);
    expect(db.outbox.lost()).toEqual({});
  });

  it.each([['a power cut'], ['a snapshot and a power cut']])(
    'has its losses counted after %s',
    async (what) => {
      const world = new World();
      const schema = schemaWith({ Log: { queue: { max: 2, full: 'oldest' } } });
      const db = await world.open({ schema });
      for (let id = 0; id < 7; id += 1) await db.create('Log', { id: `${id}` });
      if (what !== 'a power cut') await db.compact();
      world.disk = world.disk.crash(LOSE_ALL);
      const again = await world.open({ schema });
      expect(again.outbox.lost()).toEqual({ Log: 5 });
      expect(keysOf(again.outbox.pending(10))).toEqual(['l#5', 'l#6']);
      await again.create('Log', { id: '7' });
      expect(again.outbox.lost()).toEqual({ Log: 6 });
    },
  );

  it('has every change either waiting or counted, wherever a power cut falls', async () => {
    const schema = schemaWith({ Log: { queue: { max: 2, full: 'oldest' } } });
    await fc.assert(
      fc.asyncProperty(fc.nat(90), fc.boolean(), async (powerFor, keepsAll) => {
        const world = new World();
        const db = await world.open({ schema, maxJournalSize: 600 });
        world.disk.powerFor = world.disk.operations + powerFor;
        const writes: Promise<unknown>[] = [];
        for (let id = 0; id < 12; id += 1) {
          writes.push(db.create('Log', { id: `${id}` }));
          if (id % 3 === 0) await Promise.allSettled(writes);
        }
        const results = await Promise.allSettled(writes);
        world.disk = world.disk.crash(keepsAll ? KEEP_ALL : LOSE_ALL);
        const again = await world.open({ schema });
        const { Log: lost = 0 } = again.outbox.lost();
        expect(lost + again.outbox.size).toBe(again.find('Log').length);
        const done = results.filter(({ status }) => status === 'fulfilled').length;
        expect(again.find('Log').length).toBeGreaterThanOrEqual(done);
      }),
      { numRuns: 60 },
    );
  });

  it.each([['a write'], ['a transaction']])(
    'loses for %s in memory what waits on disk no less durably than that waited',
    async (what) => {
      const world = new World();
      const schema = schemaWith({
        Log: { priority: 1, queue: { full: 'oldest' }, keep: '1 day' },
        Store: { durability: 'mem' },
      });
      const db = await world.open({ schema, maxQueue: 1 });
      await db.create('Log', { id: '1' });
      if (what === 'a write') await db.create('Store', { key: 'a' });
      else await db.transact((transaction) => transaction.create('Store', { key: 'a' }));
      world.disk = world.disk.crash(LOSE_ALL);
      const again = await world.open({ schema, maxQueue: 1 });
      expect(again.outbox.lost()).toEqual({ Log: 1 });
      expect(again.find('Log')).toEqual([]);
      expect(again.outbox.size).toBe(0);
    },
  );

  it('leaves in memory what was written since on top of a change that is taken back', async () => {
    const world = new World();
    const schema = schemaWith({
      Log: { priority: 1, queue: { full: 'oldest' } },
      Store: { durability: 'mem' },
    });
    const db = await world.open({ schema, maxQueue: 1 });
    await db.create('Log', { id: '1' });
    world.disk.fault = (operation) => (operation === 'write' ? { code: 'EIO' } : undefined);
    const first = db.create('Store', { key: 'a', value: '1' });
    await db.update('Store', { key: 'a', value: '2' });
    await expect(first).rejects.toMatchObject({ code: 'DATABASE_WRITE_FAILED' });
    expect(db.get('Store', { key: 'a' })).toMatchObject({ value: '2' });
    expect(keysOf(db.outbox.pending(10)).sort()).toEqual(['l#1', 's#a']);
  });

  it('counts nothing for an owner that was another one’s loss', async () => {
    const world = new World();
    const schema = schemaWith({ Log: { queue: { max: 1, full: 'oldest' } } });
    const db = await world.open({ schema });
    for (const id of ['1', '2']) await db.create('Log', { id });
    await db.setContext({ accountId: '01JOTHER' });
    expect(db.outbox.lost()).toEqual({});
    world.disk = world.disk.crash(LOSE_ALL);
    expect((await world.open({ schema, context: undefined })).outbox.lost()).toEqual({});
  });
});

describe('the limit for all models', () => {
  it('refuses a change when no model that waits gives up its own', async () => {
    const db = await new World().open({ schema: schemaWith({}), maxQueue: 2 });
    await db.create('Store', { key: 'a' });
    await db.create('Log', { id: '1' });
    await expect(db.create('Log', { id: '2' })).rejects.toMatchObject({
      code: 'QUEUE_FULL',
      message: expect.stringContaining('the limit for all models is 2'),
    });
  });

  it('bounds removals of ever new items too', async () => {
    const db = await new World().open({ schema: schemaWith({}), maxQueue: 3 });
    for (const key of ['a', 'b', 'c', 'd']) {
      await db.create('Store', { key });
      db.outbox.acknowledge(db.outbox.pending(1));
    }
    for (const key of ['a', 'b', 'c']) await db.remove('Store', { key });
    await expect(db.remove('Store', { key: 'd' })).rejects.toMatchObject({ code: 'QUEUE_FULL' });
  });

  it('makes room for the more urgent by the oldest of the least urgent that gives up its own', async () => {
    const schema = schemaWith({ Log: { priority: 3, queue: { full: 'oldest' } } });
    const db = await new World().open({ schema, maxQueue: 3 });
    for (const id of ['1', '2']) await db.create('Log', { id });
    for (const key of ['a', 'b', 'c']) await db.create('Store', { key });
    expect(keysOf(db.outbox.pending(10))).toEqual(['s#a', 's#b', 's#c']);
    expect(db.outbox.lost()).toEqual({ Log: 2 });
    await expect(db.create('Log', { id: '3' })).rejects.toMatchObject({ code: 'QUEUE_FULL' });
  });

  it('holds up nothing that is exempt, nor what was merged with the cloud’s', async () => {
    const world = new World();
    const updated = '2026-01-01T00:00:00.000Z';
    const db = await world.open({ schema: schemaWith({ Store: { queue: { max: 1 } } }), maxQueue: 1 });
    await db.create('Store', { key: 'a' });
    await db.create('Store', { key: 'b' }, { exempt: true });
    await db.transact((transaction) => transaction.upsert('Log', { id: '1' }, { exempt: true }));
    await db.apply({ cmd: 'upsert', model: 'Store', item: { key: 'c', updated } }, { waits: true });
    expect(keysOf(db.outbox.pending(10)).sort()).toEqual(['l#1', 's#a', 's#b', 's#c']);
    await expect(db.create('Log', { id: '2' })).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    await expect(db.create('Store', { key: 'd' })).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    const lossy = schemaWith({ Store: { queue: { max: 1, full: 'oldest' } } });
    const other = await new World().open({ schema: lossy });
    for (const key of ['a', 'b']) await other.create('Store', { key }, { exempt: true });
    expect(keysOf(other.outbox.pending(10))).toEqual(['s#b']);
  });

  it('counts for a transaction as a whole, which leaves nothing when it does not fit', async () => {
    const db = await new World().open({
      schema: schemaWith({ Log: { queue: { max: 1, full: 'oldest' } } }),
      maxQueue: 2,
    });
    await db.create('Log', { id: '1' });
    const work = db.transact((transaction) => {
      transaction.create('Log', { id: '2' });
      for (const key of ['a', 'b', 'c']) transaction.create('Store', { key });
    });
    await expect(work).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    expect(keysOf(db.outbox.pending(10))).toEqual(['l#1']);
  });
});

describe('changes that wait', () => {
  const schema = schemaWith({ Store: { priority: 7 }, Log: { priority: 2 } });

  it('go by priority, then by age', async () => {
    const db = await new World().open({ schema });
    await db.create('Log', { id: '1' });
    await db.create('Sensor', { site: 's', id: '1' });
    await db.create('Store', { key: 'a' });
    await db.create('Sensor', { site: 's', id: '2' });
    await db.create('Store', { key: 'b' });
    const ordered = ['s#a', 's#b', 'sensor#s#1', 'sensor#s#2', 'l#1'];
    expect(keysOf(db.outbox.pending(10))).toEqual(ordered);
    const under = new Set(keysOf(db.outbox.pending(2)));
    expect(keysOf(db.outbox.pending(2, { skip: ({ sk }) => under.has(sk) }))).toEqual(ordered.slice(2, 4));
  });

  it.each([[25], [3], [1]])('do not wait for ever behind the more urgent, in batches of %i', async (size) => {
    const db = await new World().open({ schema });
    await db.create('Log', { id: 'patient' });
    const keys = Array.from({ length: 40 }, (_, at) => `k${at}`);
    await db.batch(keys.map((key) => ({ cmd: 'create', model: 'Store', item: { key } })));
    const sent: string[] = [];
    while (!sent.includes('l#patient')) {
      const batch = db.outbox.pending(size);
      db.outbox.markSent(batch);
      db.outbox.acknowledge(batch);
      sent.push(...keysOf(batch));
    }
    expect(sent.indexOf('l#patient')).toBe(9);
  });

  it('leave nothing when a new item goes before it was ever sent, and else tell of its removal', async () => {
    const world = new World();
    const db = await world.open({ schema });
    for (const key of ['unsent', 'sent', 'changed after it was sent', 'known'])
      await db.create('Store', { key });
    const keyOf = (key: string) => db.schema.model('Store').keyOf({ key }, db.context);
    db.outbox.markSent(db.outbox.pending(10).slice(1, 3));
    db.outbox.markKnown(keyOf('known'));
    await db.update('Store', { key: 'changed after it was sent', value: '2' });
    for (const { key } of db.find<{ key: string }>('Store')) await db.remove('Store', { key });
    const removals = ['s#changed after it was sent', 's#known', 's#sent'];
    expect(keysOf(db.outbox.pending(10)).sort()).toEqual(removals);
    world.disk = world.disk.crash(LOSE_ALL);
    const again = await world.open({ schema });
    expect(keysOf(again.outbox.pending(10)).sort()).toEqual(removals);
  });

  it('may have been sent before a restart, whatever came of it', async () => {
    const world = new World();
    await (await world.open({ schema })).create('Store', { key: 'a' });
    world.disk = world.disk.crash(LOSE_ALL);
    const again = await world.open({ schema });
    await again.remove('Store', { key: 'a' });
    expect(again.outbox.pending(10)).toMatchObject([{ key: 's#a', cmd: 'remove' }]);
  });

  it('are lost, and counted, when their item expires before it went up', async () => {
    const world = new World();
    const db = await world.open({ schema });
    const losses: Loss[] = [];
    db.outbox.onLost((loss) => losses.push(loss));
    const expires = new Date(world.clock.now() + 1000);
    await db.create('Store', { key: 'gone up', expires });
    db.outbox.acknowledge(db.outbox.pending(10));
    for (const key of ['a', 'b']) await db.create('Store', { key, expires });
    await world.clock.advance(2000);
    expect(db.find('Store')).toEqual([]);
    expect(db.outbox.size).toBe(0);
    expect(db.outbox.lost()).toEqual({ Store: 2 });
    await db.close();
    expect(losses).toEqual([
      { model: 'Store', count: 1, reason: 'expired' },
      { model: 'Store', count: 1, reason: 'expired' },
    ]);
    expect((await world.open({ schema })).outbox.lost()).toEqual({ Store: 2 });
  });
});

describe('an item of a model with keep', () => {
  const schema = schemaWith({ Log: { keep: '7 days' } });

  it('leaves the device that long after its last change, once the cloud has it', async () => {
    const world = new World();
    const db = await world.open({ schema });
    await db.create('Log', { id: 'sent' });
    db.outbox.acknowledge(db.outbox.pending(10));
    await db.create('Log', { id: 'waits' });
    await db.create('Store', { key: 'for ever' });
    await world.clock.advance(7 * DAY - 1);
    expect(db.find('Log')).toHaveLength(2);
    await world.clock.advance(2 * DAY);
    expect(db.find('Log')).toMatchObject([{ id: 'waits' }]);
    db.outbox.acknowledge(db.outbox.pending(10));
    await world.clock.advance(10);
    expect(db.find('Log')).toEqual([]);
    expect(db.get('Store', { key: 'for ever' })).toBeDefined();
    expect(db.outbox.lost()).toEqual({});
    expect(db.outbox.size).toBe(0);
  });

  it('leaves also when the device was off meanwhile', async () => {
    const world = new World();
    const db = await world.open({ schema });
    for (const id of ['1', '2']) await db.create('Log', { id });
    db.outbox.acknowledge(db.outbox.pending(1));
    await db.close();
    await world.clock.advance(8 * DAY);
    const again = await world.open({ schema });
    await world.clock.advance(10);
    expect(again.find('Log')).toMatchObject([{ id: '2' }]);
  });
});
