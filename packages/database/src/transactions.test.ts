import { coreSchema } from '@ioto/protocol';
import { settle } from '@ioto/testkit/virtual-clock';
import { describe, expect, it } from 'vitest';
import { World } from './database.fixture.ts';
import type { Change } from './feed/change.ts';
import { LOSE_ALL } from './journal/simulated-disk.fixture.ts';
import { compileSchema } from './schema/compile.ts';

describe('a transaction', () => {
  it('is one commit, and its writes see each other', async () => {
    const db = await new World().open();
    const { commits } = db.stats;
    const total = await db.transact((tx) => {
      tx.create('Store', { key: 'a', value: '1' });
      tx.update('Store', { key: 'a', value: '2' });
      tx.create('Note', { id: 'n', text: String(db.getField('Store', { key: 'a' }, 'value')) });
      return db.find('Store').length;
    });
    expect(total).toBe(1);
    expect(db.get('Note', { id: 'n' })).toMatchObject({ text: '2' });
    expect(db.stats.commits).toBe(commits + 1);
    expect(db.stats.changes).toBe(3);
  });

  it('leaves nothing when it throws, nor tells anybody', async () => {
    const db = await new World().open();
    await db.create('Store', { key: 'a', value: 'before' });
    const changes: Change[] = [];
    db.onChange((change) => changes.push(change));
    const work = db.transact((tx) => {
      tx.update('Store', { key: 'a', value: 'after' });
      tx.create('Store', { key: 'b' });
      tx.create('Store', { key: 'a' });
    });
    await expect(work).rejects.toMatchObject({ code: 'ITEM_EXISTS' });
    expect(db.find('Store').map(({ value }) => value)).toEqual(['before']);
    expect(changes).toEqual([]);
    expect(db.outbox.size).toBe(1);
  });

  it('is there as a whole or not at all after a power cut', async () => {
    for (let power = 0; power < 6; power += 1) {
      const world = new World();
      const db = await world.open();
      world.disk.powerFor = world.disk.operations + power;
      const work = db.batch([
        { cmd: 'create', model: 'Store', item: { key: 'a' } },
        { cmd: 'upsert', model: 'Store', item: { key: 'b' } },
      ]);
      const done = await work.then(() => true).catch(() => false);
      world.disk = world.disk.crash(LOSE_ALL);
      const found = (await world.open()).find('Store').length;
      expect(found).toBe(done ? 2 : 0);
    }
  });

  it('ends with its function', async () => {
    const db = await new World().open();
    await expect(db.transact(async () => undefined)).rejects.toMatchObject({ code: 'TRANSACTION_OVER' });
    const tx = await db.transact((transaction) => transaction);
    expect(() => tx.create('Store', { key: 'a' })).toThrow(
      expect.objectContaining({ code: 'TRANSACTION_OVER' }),
    );
  });
});

describe('triggers', () => {
  it('run before a change and may refuse it, and after it is durable', async () => {
    const db = await new World().open();
    const after: unknown[] = [];
    const off = db.beforeChange('Store', ({ item }) => {
      if (item.value === 'bad') throw new Error('refused');
    });
    db.afterChange('Store', ({ item }) => after.push(item.value));
    await db.create('Note', { id: 'n', text: 'bad' });
    await expect(db.create('Store', { key: 'a', value: 'bad' })).rejects.toThrow('refused');
    expect(db.find('Store')).toEqual([]);
    off();
    await db.create('Store', { key: 'a', value: 'bad' });
    expect(after).toEqual(['bad']);
  });
});

describe('items that expire', () => {
  it('are gone at their time, also when the database was closed then', async () => {
    const world = new World();
    const db = await world.open();
    const at = (seconds: number) => new Date(world.clock.now() + seconds * 1000);
    const changes: Change[] = [];
    db.onChange((change) => changes.push(change));
    await db.create('Store', { key: 'soon', expires: at(10) });
    await db.create('Store', { key: 'later', expires: at(100) });
    await db.create('Store', { key: 'never' });
    await world.clock.advance(10_000);
    await settle();
    expect(db.find('Store').map(({ key }) => key)).toEqual(['later', 'never']);
    expect(changes.at(-1)).toMatchObject({ cmd: 'remove', origin: 'expiry', item: { key: 'soon' } });
    expect(db.outbox.pending(9).map(({ key }) => key)).toEqual(['s#later', 's#never']);
    await db.close();
    await world.clock.advance(90_000);
    const again = await world.open();
    expect(again.get('Store', { key: 'later' })).toBeUndefined();
    await world.clock.advance(1);
    expect(again.stats.items).toBe(1);
  });

  it('live on when their time is put off', async () => {
    const world = new World();
    const db = await world.open();
    await db.create('Store', { key: 'a', expires: new Date(world.clock.now() + 10_000) });
    await db.update('Store', { key: 'a', expires: new Date(world.clock.now() + 60_000) });
    await world.clock.advance(30_000);
    expect(db.get('Store', { key: 'a' })).toBeDefined();
    await world.clock.advance(30_000);
    expect(db.get('Store', { key: 'a' })).toBeUndefined();
  });
});

describe('an item that has expired and is not swept away yet', () => {
  async function expired() {
    const world = new World();
    const db = await world.open();
    await db.create('Store', { key: 'a', value: 'old', expires: new Date(world.clock.now() + 1000) });
    await db.close();
    await world.clock.advance(2000);
    // The sweep comes with the next turn of the clock, which stands still.
    return world.open();
  }

  it('is not read, by its field neither', async () => {
    const db = await expired();
    expect(db.stats.items).toBe(1);
    expect(db.getField('Store', { key: 'a' }, 'value')).toBeUndefined();
  });

  it('does not stand in the way of a new one', async () => {
    const db = await expired();
    await db.create('Store', { key: 'a', value: 'new' });
    expect(db.get('Store', { key: 'a' })).toMatchObject({ value: 'new' });
    expect(db.get('Store', { key: 'a' })).not.toHaveProperty('expires');
  });

  it('is not updated, nor does an upsert go on from it', async () => {
    const db = await expired();
    await expect(db.update('Store', { key: 'a', value: 'x' })).rejects.toMatchObject({
      code: 'ITEM_MISSING',
    });
    await expect(db.setField('Store', { key: 'a' }, 'value', 'x')).rejects.toMatchObject({
      code: 'ITEM_MISSING',
    });
    expect(await db.upsert('Store', { key: 'a', type: 'string' })).not.toHaveProperty('value');
    await db.setField('Store', { key: 'a' }, 'value', 'back');
    expect(db.getField('Store', { key: 'a' }, 'value')).toBe('back');
  });
});

describe('a full database', () => {
  it('refuses what makes it larger, and takes what makes it smaller', async () => {
    const db = await new World().open({ maxSize: 2000 });
    await db.create('Store', { key: 'a', value: 'x'.repeat(1500) });
    const write = db.create('Store', { key: 'b', value: 'x'.repeat(500) });
    await expect(write).rejects.toMatchObject({ code: 'DATABASE_FULL', details: { limit: 2000 } });
    expect(db.stats.items).toBe(1);
    await db.update('Store', { key: 'a', value: 'x'.repeat(900) });
    await db.create('Store', { key: 'b', value: 'x'.repeat(500) });
    expect(db.stats.size).toBeLessThanOrEqual(2000);
    await db.remove('Store', { key: 'a' });
    await db.remove('Store', { key: 'b' });
    expect(db.stats.size).toBe(0);
  });

  it('takes what is exempt, of the program and of the cloud', async () => {
    const db = await new World().open({ maxSize: 100 });
    const value = 'x'.repeat(500);
    await expect(db.create('Store', { key: 'a', value })).rejects.toMatchObject({ code: 'DATABASE_FULL' });
    await db.create('Store', { key: 'a', value }, { exempt: true });
    await db.setField('Store', { key: 'a' }, 'value', `${value}x`, { exempt: true });
    await db.batch([{ cmd: 'create', model: 'Store', item: { key: 'b', value }, exempt: true }]);
    const item = { key: 'c', value, updated: '2026-01-01T00:00:00.000Z' };
    await expect(db.apply({ cmd: 'upsert', model: 'Store', item })).rejects.toMatchObject({
      code: 'DATABASE_FULL',
    });
    await db.apply({ cmd: 'upsert', model: 'Store', item }, { exempt: true });
    expect(db.find('Store')).toHaveLength(3);
  });
});

describe('a value within another attribute', () => {
  it('is found there when an item comes without it', async () => {
    const schema = compileSchema({
      ...coreSchema,
      models: {
        ...coreSchema.models,
        Shelf: {
          pk: { type: 'string', value: 'shelf#' },
          sk: { type: 'string', value: 'shelf#${path}' },
          path: { type: 'string' },
          row: { type: 'string', encode: ['sk', '#', 2] },
        },
      },
      process: { ...coreSchema.process, Shelf: { sync: 'down' } },
    });
    const db = await new World().open({ schema });
    await db.apply({ cmd: 'create', model: 'Shelf', item: { sk: 'shelf#hall#7' } });
    expect(db.find('Shelf')).toMatchObject([{ path: 'hall#7', row: '7' }]);
  });
});
