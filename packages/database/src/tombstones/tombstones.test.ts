import { describe, expect, it } from 'vitest';
import { ACCOUNT, World } from '../database.fixture.ts';
import { LOSE_ALL } from '../journal/simulated-disk.fixture.ts';
import { TombstoneTable } from './tombstone-table.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const a = { key: 'a' };

/** The cloud says that the Store item is gone. */
const gone = (updated: string, key = 'a') =>
  ({ cmd: 'remove', item: { _type: 'Store', sk: `s#${key}`, updated } }) as const;

describe('the removal of an item', () => {
  it('is older than what is written after it, also when it came from a clock that is ahead', async () => {
    const world = new World();
    const db = await world.open();
    await db.create('Store', { ...a, value: '1' });
    const later = new Date(world.clock.now() + HOUR).toISOString();
    await db.apply(gone(later));
    expect(db.removedAt('Store', a)).toBe(later);
    const again = await db.create('Store', { ...a, value: '2' });
    expect(String(again.updated) > later).toBe(true);
    expect(db.removedAt('Store', a)).toBeUndefined();
  });

  it('is remembered of an item that was never here, for an older version may be on its way', async () => {
    const world = new World();
    const db = await world.open();
    const later = new Date(world.clock.now() + HOUR).toISOString();
    await db.apply(gone(later));
    expect(db.removedAt('Store', a)).toBe(later);
    expect(String((await db.upsert('Store', a)).updated) > later).toBe(true);
  });

  it.each([['a clean end'], ['a power cut'], ['a snapshot']])(
    'is remembered after it was acknowledged, and after %s',
    async (ending) => {
      const world = new World();
      const db = await world.open();
      const made = await db.create('Store', a);
      await db.remove('Store', a);
      const removed = db.removedAt('Store', a);
      expect(String(removed) > String(made.updated)).toBe(true);
      db.outbox.acknowledge(db.outbox.pending(10));
      await db.create('Note', { id: 'n' });
      await db.remove('Note', { id: 'n' });
      expect(db.removedAt('Note', { id: 'n' })).toBeUndefined();
      if (ending === 'a snapshot') await db.compact();
      if (ending === 'a clean end') await db.close();
      else world.disk = world.disk.crash(LOSE_ALL);
      expect((await world.open()).removedAt('Store', a)).toBe(removed);
    },
  );

  it('is taken back with the write that failed', async () => {
    const world = new World();
    const db = await world.open();
    await db.create('Store', a);
    world.disk.fault = () => ({ code: 'EIO' });
    const removing = db.remove('Store', a);
    expect(db.removedAt('Store', a)).toBeDefined();
    await expect(removing).rejects.toMatchObject({ code: 'DATABASE_WRITE_FAILED' });
    expect(db.removedAt('Store', a)).toBeUndefined();
    expect(db.get('Store', a)).toBeDefined();
  });

  it('is not remembered for the next owner', async () => {
    const world = new World();
    const db = await world.open();
    await db.create('Command', { id: 'c', command: 'x' });
    await db.remove('Command', { id: 'c' });
    expect(db.removedAt('Command', { id: 'c' })).toBeDefined();
    await db.setContext({ accountId: 'another' });
    await db.setContext({ accountId: ACCOUNT });
    expect(db.removedAt('Command', { id: 'c' })).toBeUndefined();
    await db.create('Command', { id: 'd', command: 'x' });
    await db.remove('Command', { id: 'd' });
    await db.clearSynced();
    expect(db.removedAt('Command', { id: 'd' })).toBeUndefined();
  });

  it('is forgotten after a quarter of a year, when others come', async () => {
    const world = new World();
    const db = await world.open();
    await db.apply(gone('2026-01-01T00:00:00.000Z'));
    world.clock.jumpTo(world.clock.now() + 89 * DAY);
    await db.apply(gone('2026-01-01T00:00:00.000Z', 'b'));
    expect(db.removedAt('Store', a)).toBeDefined();
    world.clock.jumpTo(world.clock.now() + 2 * DAY);
    await db.apply(gone('2026-01-01T00:00:00.000Z', 'c'));
    expect(db.removedAt('Store', a)).toBeUndefined();
    expect(db.removedAt('Store', { key: 'b' })).toBeDefined();
  });
});

describe('the table of removals', () => {
  it('holds ten thousand, the newest', () => {
    const table = new TombstoneTable(DAY);
    for (let index = 0; index < 10_002; index += 1) {
      table.put({ pk: 'p', sk: String(index), model: 'Store', updated: '', at: 0 });
    }
    expect(table.size).toBe(10_000);
    expect(table.get({ pk: 'p', sk: '1' })).toBeUndefined();
    expect(table.get({ pk: 'p', sk: '2' })).toBeDefined();
  });
});
