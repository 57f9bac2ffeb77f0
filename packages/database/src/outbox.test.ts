import { describe, expect, it } from 'vitest';
import { testSchema, World } from './database.fixture.ts';
import type { Database } from './database.ts';
import type { OutboxEntry } from './feed/outbox.ts';
import { LOSE_ALL } from './journal/simulated-disk.fixture.ts';
import { compileSchema } from './schema/compile.ts';

const told = (entries: readonly { key: string; cmd: string; item: Record<string, unknown> }[]) =>
  entries.map(({ key, cmd, item }) => [key, cmd, item.value]);

describe('the outbox', () => {
  it('holds the latest change of each item of the models that sync up, in order', async () => {
    const db = await new World().open();
    await db.create('Store', { key: 'a', value: '1' });
    await db.create('Store', { key: 'b', value: '1' });
    await db.update('Store', { key: 'a', value: '2' });
    await db.create('Note', { id: 'n' });
    await db.create('Command', { command: 'reboot' });
    expect(told(db.outbox.pending(10))).toEqual([
      ['s#b', 'create', '1'],
      ['s#a', 'create', '2'],
    ]);
    expect(db.outbox.pending(1)).toHaveLength(1);
    const [first] = db.outbox.pending(1);
    const skip = ({ version }: { version: number }) => version === first?.version;
    expect(told(db.outbox.pending(10, { skip }))).toEqual([['s#a', 'create', '2']]);
  });

  it('makes no more entries than are asked for', async () => {
    const db = await new World().open();
    for (const key of ['a', 'b', 'c']) await db.create('Store', { key });
    const asked: number[] = [];
    const skip = ({ version }: { version: number }) => asked.push(version) === 0;
    for (const { key } of db.outbox.each(10, { skip })) if (key === 's#a') break;
    expect(asked).toEqual([1]);
    expect([...db.outbox.each(2)]).toEqual(db.outbox.pending(2));
  });

  it('finds the entry of one item by its key', async () => {
    const db = await new World().open();
    const keyOf = (key: string) => db.schema.model('Store').keyOf({ key }, db.context);
    await db.create('Store', { key: 'a', value: '1' });
    await db.create('Store', { key: 'b', value: '1' });
    db.outbox.markSent(db.outbox.pending(10));
    await db.remove('Store', { key: 'b' });
    expect(db.outbox.pending(10)).toEqual([db.outbox.entryOf(keyOf('a')), db.outbox.entryOf(keyOf('b'))]);
    expect(db.outbox.entryOf(keyOf('b'))?.cmd).toBe('remove');
    expect(db.outbox.entryOf(keyOf('c'))).toBeUndefined();
    db.outbox.acknowledge(db.outbox.pending(10));
    expect(db.outbox.entryOf(keyOf('a'))).toBeUndefined();
  });

  it('shows an item ready for the wire, without its pk', async () => {
    const db = await new World().open();
    await db.create('Sensor', { site: 'a', id: '1', secret: 'x' });
    const [entry] = db.outbox.pending(1);
    expect(entry?.item).toMatchObject({
      _type: 'Sensor',
      sk: 'sensor#a#1',
      secret: 'x',
      updated: expect.any(String),
    });
    expect(entry?.item).not.toHaveProperty('pk');
  });

  it('keeps of a removed item what names it, and a time later than its own', async () => {
    const db = await new World().open();
    const { updated } = await db.create('Store', { key: 'a', value: 'long' });
    db.outbox.markSent(db.outbox.pending(10));
    await db.remove('Store', { key: 'a' });
    const [entry] = db.outbox.pending(10);
    expect(entry).toMatchObject({ key: 's#a', cmd: 'remove', item: { _type: 'Store', sk: 's#a', key: 'a' } });
    expect(entry?.item).not.toHaveProperty('value');
    expect(String(entry?.item.updated) > String(updated)).toBe(true);
    const again = await db.create('Store', { key: 'a' });
    expect(String(again.updated) > String(entry?.item.updated)).toBe(true);
    expect(db.outbox.pending(10)).toMatchObject([{ key: 's#a', cmd: 'upsert' }]);
  });

  it('lets go of what is acknowledged, unless it changed again meanwhile', async () => {
    const db = await new World().open();
    await db.create('Store', { key: 'a', value: '1' });
    await db.create('Store', { key: 'b', value: '1' });
    const sent = db.outbox.pending(10);
    await db.update('Store', { key: 'b', value: '2' });
    expect(db.outbox.acknowledge(sent)).toBe(1);
    expect(told(db.outbox.pending(10))).toEqual([['s#b', 'create', '2']]);
    expect(db.outbox.acknowledge(sent)).toBe(0);
    expect(db.outbox.acknowledge([{ key: 's#other', version: db.outbox.pending(1)[0]?.version ?? 0 }])).toBe(
      0,
    );
    expect(db.outbox.acknowledge(db.outbox.pending(10))).toBe(1);
    expect(db.outbox.size).toBe(0);
  });

  it.each([['a clean end'], ['a power cut'], ['a snapshot']])('is the same after %s', async (ending) => {
    const world = new World();
    const db = await world.open();
    for (const key of ['a', 'b', 'c']) await db.create('Store', { key, value: '1' });
    await db.remove('Store', { key: 'b' });
    await db.update('Store', { key: 'a', value: '2' });
    const before = db.outbox.pending(10);
    if (ending === 'a snapshot') await db.compact();
    if (ending === 'a clean end') await db.close();
    else world.disk = world.disk.crash(LOSE_ALL);
    const again = await world.open();
    // What the cloud has is not on disk.
    const kept = before.map((entry) => ({ ...entry, isKnown: false, base: undefined }));
    expect(again.outbox.pending(10)).toEqual(kept);
    const next = await again.create('Store', { key: 'd' });
    expect(next).toBeDefined();
    expect(again.outbox.pending(10).at(-1)?.version).toBeGreaterThan(before.at(-1)?.version ?? 0);
  });

  it('remembers acknowledgements over a clean end', async () => {
    const world = new World();
    const db = await world.open();
    await db.create('Store', { key: 'a' });
    db.outbox.acknowledge(db.outbox.pending(10));
    await db.close();
    expect((await world.open()).outbox.size).toBe(0);
  });

  it('shows no entry before its change is on disk, and then says so', async () => {
    const db = await new World().open();
    let appended = 0;
    const off = db.outbox.onAppend(() => {
      appended += 1;
    });
    const write = db.create('Store', { key: 'a' });
    expect(db.get('Store', { key: 'a' })).toBeDefined();
    expect(db.outbox.pending(10)).toEqual([]);
    await write;
    expect(db.outbox.pending(10)).toHaveLength(1);
    expect(appended).toBe(1);
    off();
    await db.create('Note', { id: 'n' });
    expect(appended).toBe(1);
  });

  it('takes items in again by their keys, and removals that are remembered, but nothing twice and nothing else', async () => {
    const world = new World();
    const db = await world.open();
    for (const key of ['a', 'b', 'c']) await db.create('Store', { key });
    db.outbox.acknowledge(db.outbox.pending(10));
    await db.remove('Store', { key: 'b' });
    db.outbox.acknowledge(db.outbox.pending(10));
    await db.update('Store', { key: 'c', value: '1' });
    const waiting = db.outbox.pending(10);
    const keyOf = (key: string) => db.schema.model('Store').keyOf({ key }, db.context);
    expect(await db.outbox.enqueue(['a', 'b', 'c', 'never'].map(keyOf))).toBe(2);
    const [first, ...others] = db.outbox.pending(10);
    expect(first).toEqual(waiting[0]);
    expect(others.map(({ key, cmd }) => [key, cmd])).toEqual([
      ['s#a', 'upsert'],
      ['s#b', 'remove'],
    ]);
    const { item } = others[1] ?? {};
    expect(item).toMatchObject({ _type: 'Store', sk: 's#b', key: 'b' });
    expect(item?.updated).toBe(db.removedAt('Store', { key: 'b' }));
  });

  it('takes the whole database in, removals included', async () => {
    const db = await new World().open();
    for (const key of ['a', 'b', 'c']) await db.create('Store', { key });
    db.outbox.acknowledge(db.outbox.pending(10));
    await db.create('Command', { command: 'x' });
    await db.remove('Store', { key: 'c' });
    expect(await db.outbox.enqueueAll()).toBe(2);
    expect(db.outbox.pending(10).map(({ key, cmd }) => [key, cmd])).toEqual([
      ['s#c', 'remove'],
      ['s#a', 'upsert'],
      ['s#b', 'upsert'],
    ]);
  });
});

describe('what is known of the cloud’s version of an item that waits', () => {
  const schemaWith = (process: object) =>
    compileSchema({ ...testSchema, process: { ...testSchema.process, Store: { enable: true, ...process } } });
  const facts = (entries: readonly OutboxEntry[]) =>
    entries.map(({ key, isKnown, base }) => [key, isKnown, base]);

  it('is that there is none, while nothing of it was acknowledged', async () => {
    const db = await new World().open();
    await db.create('Store', { key: 'a' });
    await db.update('Store', { key: 'a', value: '2' });
    expect(facts(db.outbox.pending(10))).toEqual([['s#a', false, '']]);
  });

  it('is the one that was acknowledged, or came from the cloud', async () => {
    const db = await new World().open();
    const updated = '2026-01-01T00:00:00.000Z';
    const made = await db.create('Store', { key: 'a' });
    db.outbox.acknowledge(db.outbox.pending(10));
    await db.apply({ cmd: 'upsert', model: 'Store', item: { key: 'b', updated } });
    await db.update('Store', { key: 'a', value: '2' });
    await db.update('Store', { key: 'a', value: '3' });
    await db.remove('Store', { key: 'b' });
    expect(facts(db.outbox.pending(10))).toEqual([
      ['s#a', true, String(made.updated)],
      ['s#b', true, updated],
    ]);
  });

  it('is the removal that was acknowledged, or came from the cloud', async () => {
    const db = await new World().open({ schema: schemaWith({ sync: 'both' }) });
    const updated = '2026-01-01T00:00:00.000Z';
    for (const key of ['a', 'b']) await db.create('Store', { key });
    await db.remove('Store', { key: 'a' });
    db.outbox.acknowledge(db.outbox.pending(10));
    const removed = db.removedAt('Store', { key: 'a' });
    await db.apply({ cmd: 'remove', model: 'Store', item: { key: 'b', updated } });
    for (const key of ['a', 'b']) await db.create('Store', { key });
    expect(facts(db.outbox.pending(10))).toEqual([
      ['s#a', false, removed],
      ['s#b', false, updated],
    ]);
  });

  it('is nothing where its change was given up', async () => {
    const db = await new World().open({
      schema: schemaWith({ sync: 'up', queue: { max: 1, full: 'oldest' } }),
    });
    for (const key of ['a', 'b']) await db.create('Store', { key });
    await db.update('Store', { key: 'a', value: '2' });
    expect(facts(db.outbox.pending(10))).toEqual([['s#a', false, undefined]]);
    await db.create('Store', { key: 'c' });
    await db.remove('Store', { key: 'a' });
    expect(facts(db.outbox.pending(10))).toEqual([['s#a', false, undefined]]);
    await db.create('Store', { key: 'd' });
    await db.create('Store', { key: 'a' });
    expect(facts(db.outbox.pending(10))).toEqual([['s#a', false, undefined]]);
  });

  it('is nothing where its model did not go up before', async () => {
    const world = new World();
    const db = await world.open({ schema: schemaWith({ sync: 'none' }) });
    await db.create('Store', { key: 'a' });
    await db.close();
    const again = await world.open({ schema: schemaWith({ sync: 'up' }) });
    await again.update('Store', { key: 'a', value: '2' });
    expect(facts(again.outbox.pending(10))).toEqual([['s#a', false, undefined]]);
  });
});

describe('the version up to which the cloud has everything', () => {
  const Store = { enable: true, sync: 'up', durability: 'lazy', queue: { max: 1, full: 'oldest' } };
  const schema = compileSchema({ ...testSchema, process: { ...testSchema.process, Store } });
  const change = {
    'a newer one': (db: Database) => db.update('Store', { key: 'a', value: '2' }),
    'a version of the cloud’s': (db: Database) =>
      db.apply({ cmd: 'upsert', model: 'Store', item: { key: 'a', updated: '2026-01-01T00:00:00.000Z' } }),
    'its removal': (db: Database) => db.remove('Store', { key: 'a' }),
    'another change, for which it was given up': (db: Database) => db.create('Store', { key: 'b' }),
  };

  it.each(Object.entries(change))(
    'is below one that is on disk while %s, which took its place, is not',
    async (_what, make) => {
      const world = new World();
      const db = await world.open({ schema });
      await db.create('Store', { key: 'a', value: '1' });
      await db.create('Log', { id: '1' });
      const [store, log] = db.outbox.pending(10);
      const underWay = new Set([log?.version ?? 0]);
      expect([store?.version, log?.version]).toEqual([1, 2]);
      await make(db);
      expect(db.outbox.throughWith(underWay)).toBe(0);
      expect(db.outbox.throughWith(new Set([1, 2]))).toBe(2);
      const dark = await new World().open({ schema, files: world.disk.crash(LOSE_ALL) });
      expect(dark.outbox.pending(10).map(({ version }) => version)).toEqual([1, 2]);
      await world.clock.advance(5000);
      await db.create('Note', { id: 'later' });
      expect(db.outbox.throughWith(underWay)).toBeGreaterThanOrEqual(2);
    },
  );
});
