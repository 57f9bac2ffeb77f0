import { describe, expect, it } from 'vitest';
import { World, withoutRoom } from './database.fixture.ts';
import { encodeFrame } from './journal/frame.ts';
import { readFrames } from './journal/frame-reader.ts';
import { KEEP_ALL, LOSE_ALL } from './journal/simulated-disk.fixture.ts';

const JOURNAL = '/db/device.1.journal';

async function filled(count = 4): Promise<World> {
  const world = new World();
  const db = await world.open();
  for (let at = 0; at < count; at += 1) await db.create('Store', { key: `k${at}`, value: 'v'.repeat(50) });
  await db.close();
  return world;
}

describe('a journal', () => {
  it('with a torn tail loses only what was never acknowledged, and says so', async () => {
    const world = new World();
    const db = await world.open();
    await db.create('Store', { key: 'a' });
    const whole = withoutRoom(world.disk.content(JOURNAL));
    await db.create('Store', { key: 'b' });
    const torn = world.disk.content(JOURNAL).subarray(0, whole.length + 40);
    world.disk.put(JOURNAL, torn);
    const again = await world.open();
    expect(again.find('Store').map(({ key }) => key)).toEqual(['a']);
    expect(again.stats.tornTail).toEqual({ file: JOURNAL, offset: whole.length, bytes: 40 });
    await again.create('Store', { key: 'c' });
    await again.close();
    const third = await world.open();
    expect(third.find('Store').map(({ key }) => key)).toEqual(['a', 'c']);
    expect(third.stats.tornTail).toBeUndefined();
  });

  it('with any byte damaged after a clean end is refused with file and offset, and left as it is', async () => {
    const world = await filled();
    const bytes = world.disk.content(JOURNAL);
    // The clean end is the last 24 bytes; damaged itself, it is a tail like any other.
    for (let at = 0; at < bytes.length - 24; at += 23) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 0x40;
      world.disk.put(JOURNAL, damaged);
      const error = await world.open().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'DATABASE_CORRUPT', details: { file: JOURNAL } });
      expect((error as { details: { offset: number } }).details.offset).toBeLessThanOrEqual(at);
      expect(world.disk.content(JOURNAL).equals(damaged)).toBe(true);
    }
  });

  it('that is missing or of another database is refused, never taken for an empty one', async () => {
    const world = await filled();
    const db = await world.open();
    await db.compact();
    await db.create('Store', { key: 'late' });
    await db.close();
    expect(world.disk.paths()).toEqual(['/db/device.2.journal', '/db/device.db']);
    const foreign = await filled();
    const snapshot = world.disk.content('/db/device.db');
    const attempts: [string, (disk: World['disk']) => Promise<void> | void][] = [
      ['/db/device.2.journal', (disk) => disk.remove('/db/device.2.journal')],
      ['/db/device.db', (disk) => disk.remove('/db/device.db')],
      ['/db/device.db', (disk) => disk.put('/db/device.db', Buffer.alloc(0))],
      ['/db/device.db', (disk) => disk.put('/db/device.db', snapshot.subarray(0, snapshot.length - 24))],
      ['/db/device.2.journal', (disk) => disk.put('/db/device.2.journal', Buffer.alloc(0))],
      ['/db/device.2.journal', (disk) => disk.put('/db/device.2.journal', foreign.disk.content(JOURNAL))],
    ];
    for (const [file, damage] of attempts) {
      const copy = world.disk.crash(KEEP_ALL);
      await damage(copy);
      await expect(world.open({ files: copy })).rejects.toMatchObject({
        code: 'DATABASE_CORRUPT',
        details: { file },
      });
    }
  });

  it('of a newer version of the program is refused', async () => {
    const world = await filled(1);
    const bytes = world.disk.content(JOURNAL);
    const { lastNumber = 0 } = await readFrames(world.disk, JOURNAL, () => undefined);
    const number = lastNumber + 1;
    world.disk.put(JOURNAL, Buffer.concat([bytes, encodeFrame('operations', number, '[["future",1]]')]));
    await expect(world.open()).rejects.toMatchObject({
      code: 'DATABASE_CORRUPT',
      details: { file: JOURNAL, offset: bytes.length },
    });
  });
});

describe('room behind the records of a journal', () => {
  it('is there for the next ones, and is no torn write after a power cut', async () => {
    const world = new World();
    const db = await world.open();
    await db.create('Store', { key: 'a' });
    const { length } = world.disk.content(JOURNAL);
    for (let at = 0; at < 20; at += 1) await db.create('Store', { key: `k${at}` });
    expect(world.disk.content(JOURNAL)).toHaveLength(length);
    world.disk = world.disk.crash(LOSE_ALL);
    const again = await world.open();
    expect(again.find('Store')).toHaveLength(21);
    expect(again.stats.tornTail).toBeUndefined();
    await again.create('Store', { key: 'b' });
    expect(world.disk.content(JOURNAL)).toHaveLength(length);
    await again.close();
    // A journal that was ended gives it up.
    expect(world.disk.content(JOURNAL).length).toBeLessThan(10_000);
    expect((await world.open()).find('Store')).toHaveLength(22);
  });

  it('is left out where the disk has none, and what fits is kept', async () => {
    const world = new World();
    world.disk.capacity = 2000;
    const db = await world.open();
    await db.create('Store', { key: 'a' });
    await db.create('Store', { key: 'b' });
    await expect(db.create('Store', { key: 'c', value: 'x'.repeat(2000) })).rejects.toMatchObject({
      details: { reason: 'ENOSPC' },
    });
    world.disk = world.disk.crash(LOSE_ALL);
    expect((await world.open()).find('Store').map(({ key }) => key)).toEqual(['a', 'b']);
  });
});

describe('a full disk', () => {
  it('refuses the write, keeps everything else, and takes writes again when there is room', async () => {
    const world = new World();
    const db = await world.open();
    const told: unknown[] = [];
    await db.create('Store', { key: 'a', value: '1' });
    db.onChange(({ sk }) => told.push(sk));
    world.disk.capacity = world.disk.content(JOURNAL).length + 100;
    const writes = [
      db.update('Store', { key: 'a', value: '2' }),
      db.create('Store', { key: 'b', value: 'x'.repeat(100_000) }),
      db.remove('Store', { key: 'a' }),
    ];
    expect(db.get('Store', { key: 'a' })).toBeUndefined();
    for (const result of await Promise.allSettled(writes)) {
      expect(result).toMatchObject({
        status: 'rejected',
        reason: { code: 'DATABASE_WRITE_FAILED', details: { reason: 'ENOSPC' }, retryable: true },
      });
    }
    expect(db.get('Store', { key: 'a' })).toMatchObject({ value: '1' });
    expect(db.get('Store', { key: 'b' })).toBeUndefined();
    expect(db.outbox.pending(10)).toMatchObject([{ key: 's#a', cmd: 'create', item: { value: '1' } }]);
    expect(told).toEqual([]);
    world.disk.capacity = Number.POSITIVE_INFINITY;
    await db.create('Store', { key: 'c' });
    await db.close();
    const again = await world.open();
    expect(again.find('Store').map(({ key }) => key)).toEqual(['a', 'c']);
    expect(again.stats.tornTail).toBeUndefined();
  });

  it('does not keep the database from being opened and read', async () => {
    const world = await filled();
    world.disk.capacity = 0;
    const db = await world.open();
    expect(db.find('Store')).toHaveLength(4);
    await expect(db.create('Store', { key: 'a' })).rejects.toMatchObject({ code: 'DATABASE_WRITE_FAILED' });
    await db.close();
    await expect(world.open({ context: { accountId: '01JOTHER' } })).rejects.toMatchObject({
      code: 'DATABASE_WRITE_FAILED',
    });
  });

  it('keeps lazy changes in memory until there is room', async () => {
    const world = new World();
    const db = await world.open({ maxJournalAge: 10 });
    world.disk.capacity = 0;
    await db.create('Note', { id: '1' });
    await world.clock.advance(10);
    await expect(db.create('Store', { key: 'a' })).rejects.toMatchObject({ code: 'DATABASE_WRITE_FAILED' });
    expect(db.get('Note', { id: '1' })).toBeDefined();
    world.disk.capacity = Number.POSITIVE_INFINITY;
    await db.close();
    expect((await world.open()).get('Note', { id: '1' })).toBeDefined();
  });

  it('does not stop writes when there is room for them but not for a snapshot', async () => {
    const world = new World();
    const db = await world.open();
    for (let at = 0; at < 20; at += 1) await db.create('Store', { key: `k${at}`, value: 'v'.repeat(100) });
    world.disk.capacity = world.disk.content(JOURNAL).length + 1500;
    await expect(db.compact()).rejects.toMatchObject({ code: 'DATABASE_WRITE_FAILED' });
    await db.create('Store', { key: 'after' });
    await db.close();
    expect((await world.open()).find('Store')).toHaveLength(21);
  });
});

describe('a failing disk', () => {
  it('that cannot even take back a torn write costs that write only: another journal takes over', async () => {
    const world = new World();
    const db = await world.open();
    await db.create('Store', { key: 'a' });
    world.disk.fault = (operation) =>
      ['sync', 'truncate'].includes(operation) ? { code: 'EIO' } : undefined;
    await expect(db.create('Store', { key: 'b' })).rejects.toMatchObject({ code: 'DATABASE_WRITE_FAILED' });
    await expect(db.create('Store', { key: 'c' })).rejects.toMatchObject({ code: 'DATABASE_WRITE_FAILED' });
    world.disk.fault = () => undefined;
    await db.create('Store', { key: 'd' });
    const found = async () => (await world.open({ files: world.disk.crash(KEEP_ALL) })).find('Store');
    expect((await found()).map(({ key }) => key)).toEqual(['a', 'd']);
    await db.compact();
    expect((await found()).map(({ key }) => key)).toEqual(['a', 'd']);
  });

  it.each([['rename'], ['syncDirectory'], ['create'], ['sync']])(
    'during a compaction, at %s, loses nothing',
    async (broken) => {
      const world = new World();
      const db = await world.open();
      await db.create('Store', { key: 'a' });
      world.disk.fault = (operation) => (operation === broken ? { code: 'EIO' } : undefined);
      await expect(db.compact()).rejects.toMatchObject({ code: 'DATABASE_WRITE_FAILED' });
      world.disk.fault = () => undefined;
      await db.create('Store', { key: 'b' });
      for (const chance of [LOSE_ALL, KEEP_ALL]) {
        const again = await world.open({ files: world.disk.crash(chance) });
        expect(again.find('Store').map(({ key }) => key)).toEqual(['a', 'b']);
      }
      await db.compact();
      expect((await world.open({ files: world.disk.crash(LOSE_ALL) })).find('Store')).toHaveLength(2);
    },
  );

  it('is told apart from damage when the database cannot be opened', async () => {
    const world = await filled(1);
    world.disk.fault = (operation) => (operation === 'read' ? { code: 'EACCES' } : undefined);
    await expect(world.open()).rejects.toMatchObject({
      code: 'DATABASE_UNREADABLE',
      details: { file: JOURNAL, reason: 'EACCES' },
    });
  });
});
