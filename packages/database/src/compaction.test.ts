import { describe, expect, it } from 'vitest';
import { World } from './database.fixture.ts';
import { KEEP_ALL, LOSE_ALL } from './journal/simulated-disk.fixture.ts';

describe('compaction', () => {
  it('begins by itself when the journal has grown, and keeps it bounded', async () => {
    const world = new World();
    const db = await world.open({ maxJournalSize: 4000 });
    for (let at = 0; at < 300; at += 1)
      await db.upsert('Store', { key: `k${at % 5}`, value: 'v'.repeat(100) });
    await db.compact();
    expect(db.stats.compactions).toBeGreaterThan(5);
    expect(db.stats.journalBytes).toBeLessThan(8000);
    expect(world.disk.paths()).toHaveLength(2);
    await db.close();
    const again = await world.open();
    expect(again.find('Store')).toHaveLength(5);
    expect(again.stats.snapshotBytes).toBeGreaterThan(0);
  });

  it('writes at most as much as the changes once the snapshot is large', async () => {
    const world = new World();
    const db = await world.open({ maxJournalSize: 1000 });
    const write = (at: number) => db.upsert('Store', { key: `k${at}`, value: String(at).repeat(100) });
    for (let at = 0; at < 300; at += 1) await write(at);
    await db.compact();
    const { writtenBytes } = db.stats;
    const journalled = { from: db.stats.journalBytes };
    for (let at = 0; at < 100; at += 1) await write(at);
    // Beside them only zeros: room for the next ones.
    const zeros = db.stats.writtenBytes - writtenBytes - (db.stats.journalBytes - journalled.from);
    expect([0, 64 * 1024]).toContain(zeros);
  });

  it('lets writers go on, and what they write while it runs is in the next journal', async () => {
    const world = new World();
    const db = await world.open();
    for (let at = 0; at < 3000; at += 1) void db.upsert('Store', { key: `k${at}`, value: 'v'.repeat(100) });
    await db.upsert('Store', { key: 'k0', value: 'before' });
    let done = false;
    const compaction = db.compact().then(() => {
      done = true;
    });
    let writes = 0;
    while (!done) {
      await db.upsert('Store', { key: 'k0', value: `during ${writes}` });
      writes += 1;
    }
    await compaction;
    expect(writes).toBeGreaterThan(2);
    expect(db.stats.writtenBytes).toBe(world.disk.bytesWritten);
    world.disk = world.disk.crash(LOSE_ALL);
    const again = await world.open();
    expect(again.get('Store', { key: 'k0' })).toMatchObject({ value: `during ${writes - 1}` });
    expect(again.stats.items).toBe(3000);
  });

  it('asked for twice at once is done once', async () => {
    const db = await new World().open();
    await Promise.all([db.compact(), db.compact()]);
    expect(db.stats.compactions).toBe(1);
    await db.close();
    await expect(db.compact()).rejects.toMatchObject({ code: 'DATABASE_CLOSED' });
  });

  it('is given up when a change that it holds is taken back', async () => {
    const world = new World();
    const db = await world.open();
    await db.create('Store', { key: 'a', value: '1' });
    const compaction = db.compact();
    const write = db.update('Store', { key: 'a', value: '2' });
    let writes = 0;
    world.disk.fault = (operation, path) => {
      if (operation !== 'write' || !path.includes('2.journal')) return undefined;
      writes += 1;
      return writes === 2 ? { code: 'EIO' } : undefined;
    };
    await expect(write).rejects.toMatchObject({ code: 'DATABASE_WRITE_FAILED' });
    await expect(compaction).rejects.toMatchObject({ code: 'DATABASE_WRITE_FAILED' });
    world.disk.fault = () => undefined;
    const again = await world.open({ files: world.disk.crash(KEEP_ALL) });
    expect(again.get('Store', { key: 'a' })).toMatchObject({ value: '1' });
  });
});
