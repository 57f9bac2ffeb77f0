import { createLogger } from '@ioto/runtime';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { World, withoutRoom } from '../database.fixture.ts';
import type { Database } from '../database.ts';
import { encodeFrame } from '../journal/frame.ts';
import { readFrames } from '../journal/frame-reader.ts';
import { KEEP_ALL, type SimulatedDisk } from '../journal/simulated-disk.fixture.ts';
import { compileSchema } from '../schema/compile.ts';

const JOURNAL = '/db/device.1.journal';

const values = (db: Database) => new Map(db.find('Store').map(({ key, value }) => [key, value]));

/** A world whose database has a snapshot, `k0` to `k9`, and a journal after it, in which half of them changed. */
async function folded(): Promise<World> {
  const world = new World();
  const db = await world.open();
  for (let at = 0; at < 10; at += 1) await db.create('Store', { key: `k${at}`, value: 'first' });
  await db.compact();
  for (let at = 0; at < 10; at += 2) await db.update('Store', { key: `k${at}`, value: 'second' });
  await db.close();
  world.disk = world.disk.crash(KEEP_ALL);
  return world;
}

function flip(disk: SimulatedDisk, path: string, at: number): void {
  const bytes = disk.content(path);
  bytes[at] = (bytes[at] ?? 0) ^ 0x40;
  disk.put(path, bytes);
}

const salvaging = (world: World, disk: SimulatedDisk = world.disk) =>
  world.open({ files: disk, onDamage: 'salvage', context: undefined });

describe('a database with any byte of any file damaged', () => {
  type Write = { key: number; value: string | undefined };
  const write: fc.Arbitrary<Write> = fc.record({
    key: fc.nat(4),
    value: fc.option(fc.string({ minLength: 1, maxLength: 200 }), { nil: undefined }),
  });

  it('has everything that was durable before the damage, and nothing that was never written', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(write, { minLength: 3, maxLength: 25 }),
        fc.nat(),
        fc.nat(),
        async (writes, which, where) => {
          const world = new World();
          const db = await world.open({ maxJournalSize: 1200 });
          const histories = new Map<number, (string | undefined)[]>();
          for (const { key, value } of writes) {
            histories.set(key, [...(histories.get(key) ?? [undefined]), value]);
            if (value === undefined) await db.remove('Store', { key: `k${key}` });
            else await db.upsert('Store', { key: `k${key}`, value });
          }
          await db.close();
          const paths = world.disk.paths();
          const path = paths[which % paths.length] as string;
          const bytes = world.disk.content(path);
          const at = where % bytes.length;
          const before = await upTo(world, path, at);
          flip(world.disk, path, at);
          const again = await salvaging(world);
          const found = values(again);
          for (const [key, history] of histories) {
            const known = before?.get(`k${key}`) as string | undefined;
            expect(history.slice(Math.max(0, history.indexOf(known)))).toContain(found.get(`k${key}`));
          }
          for (const key of found.keys()) expect(histories.has(Number(String(key).slice(1)))).toBe(true);
          await again.create('Store', { key: 'after' });
          await again.close();
          expect(values(await world.open()).size).toBe(found.size + 1);
        },
      ),
      { numRuns: 30 },
    );
  });

  /** What the database had when it was written as far as this: by a copy that ends at the damaged record of a journal. */
  async function upTo(world: World, path: string, at: number) {
    if (!path.endsWith('.journal')) return undefined;
    const copy = world.disk.crash(KEEP_ALL);
    const bytes = copy.content(path).subarray(0, at);
    copy.put(path, bytes);
    for (const other of copy.paths()) {
      const [generation, own] = [other, path].map((each) => Number(/\.(\d+)\.journal$/.exec(each)?.[1] ?? 0));
      if ((generation ?? 0) > (own ?? 0)) await copy.remove(other);
    }
    return world.open({ files: copy, context: undefined }).then(values, () => undefined);
  }
});

describe('a damaged journal', () => {
  it('costs the record that is damaged only, and says so', async () => {
    const world = new World();
    const db = await world.open();
    for (const key of ['a', 'b', 'c']) await db.create('Store', { key });
    await db.close();
    const damaged = world.disk.content(JOURNAL);
    const at = damaged.indexOf('s#b');
    flip(world.disk, JOURNAL, at);
    const untouched = world.disk.content(JOURNAL);
    await expect(world.open()).rejects.toMatchObject({ code: 'DATABASE_CORRUPT' });
    const lines: string[] = [];
    const logger = createLogger('test', {
      level: 'info',
      destination: { write: (line: string) => void lines.push(line) } as never,
    });
    const again = await world.open({ onDamage: 'salvage', logger });
    expect(again.find('Store').map(({ key }) => key)).toEqual(['a', 'c']);
    const { salvaged } = again.stats;
    expect(salvaged).toMatchObject({
      directory: '/db/device.damaged-1',
      items: 2,
      lost: [{ file: JOURNAL, reason: 'damaged' }],
    });
    expect(salvaged?.lost[0]?.offset).toBeLessThan(at);
    expect(lines.join('')).toContain('DATABASE_SALVAGED');
    expect(world.disk.content('/db/device.damaged-1/device.1.journal')).toEqual(untouched);
    expect(JSON.parse(world.disk.content('/db/device.damaged-1/report.json').toString())).toEqual(salvaged);
    await again.close();
    expect((await world.open()).stats.salvaged).toBeUndefined();
  });

  it('leaves no number to be given out again', async () => {
    const world = new World();
    const db = await world.open();
    for (const key of ['a', 'b', 'c', 'd']) await db.create('Store', { key });
    const versions = db.outbox.pending(9).map(({ version }) => version);
    await db.close();
    const bytes = world.disk.content(JOURNAL);
    flip(world.disk, JOURNAL, bytes.indexOf('s#d'));
    const again = await salvaging(world);
    await again.create('Store', { key: 'e' });
    expect(again.outbox.pending(9).at(-1)?.version).toBeGreaterThan(versions.at(-1) as number);
  });

  it.each([
    ['the snapshot', '/db/device.db', 5],
    ['the journal after it', '/db/device.2.journal', 10],
  ])('in place of %s that is missing, what is left is taken', async (_name, path, items) => {
    const world = await folded();
    await world.disk.remove(path);
    const again = await salvaging(world);
    expect(again.stats.salvaged?.lost).toContainEqual({ file: path, offset: 0, bytes: 0, reason: 'missing' });
    expect(again.find('Store')).toHaveLength(items);
    for (const [key, value] of values(again))
      expect([key, value]).toEqual([key, items === 5 ? 'second' : 'first']);
    expect(again.context).toMatchObject({ accountId: '01JACCOUNT' });
  });

  it('that ends too early, or is empty, is told as such', async () => {
    const world = await folded();
    const snapshot = world.disk.content('/db/device.db');
    world.disk.put('/db/device.db', snapshot.subarray(0, snapshot.length - 24));
    const again = await salvaging(world);
    expect(again.find('Store')).toHaveLength(10);
    expect(again.stats.salvaged?.lost).toMatchObject([{ file: '/db/device.db', reason: 'cut short' }]);
    const other = await folded();
    other.disk.put('/db/device.db', Buffer.alloc(0));
    expect((await salvaging(other)).find('Store')).toHaveLength(5);
  });
});

describe('what is whole but not for this program', () => {
  it('is refused as ever: nothing of it is thrown away', async () => {
    const world = await folded();
    const path = '/db/device.2.journal';
    const bytes = world.disk.content(path);
    const foreign = await folded();
    const { lastNumber = 0 } = await readFrames(world.disk, path, () => undefined);
    for (const content of [
      foreign.disk.content(path),
      Buffer.concat([bytes, encodeFrame('operations', lastNumber + 1, '[["future",1]]')]),
    ]) {
      const copy = world.disk.crash(KEEP_ALL);
      copy.put(path, content);
      await expect(salvaging(world, copy)).rejects.toMatchObject({ code: 'DATABASE_CORRUPT' });
      expect(copy.paths()).toEqual(world.disk.paths());
      expect(copy.content(path).equals(content)).toBe(true);
    }
  });
});

describe('a salvage', () => {
  it('that a power cut ends at any moment is done again or gone on with, and loses nothing', async () => {
    for (let power = 0; ; power += 3) {
      const world = await folded();
      flip(world.disk, '/db/device.2.journal', 200);
      flip(world.disk, '/db/device.db', world.disk.content('/db/device.db').indexOf('k3'));
      const whole = values(await salvaging(world, world.disk.crash(KEEP_ALL)));
      world.disk.operations = 0;
      world.disk.powerFor = power;
      const done = await salvaging(world).then(
        () => true,
        () => false,
      );
      let seed = power;
      const random = () => {
        seed = (seed * 16807 + 7) % 2147483647;
        return seed / 2147483647;
      };
      const after = world.disk.crash(random);
      expect(values(await salvaging(world, after))).toEqual(whole);
      expect(
        after.paths().filter((path) => path.includes('damaged') && path.endsWith('.journal')),
      ).not.toEqual([]);
      if (done) break;
    }
  });

  it('on a full disk changes nothing and says what to do', async () => {
    const world = await folded();
    flip(world.disk, '/db/device.2.journal', 200);
    const paths = world.disk.paths();
    world.disk.capacity = 0;
    await expect(salvaging(world)).rejects.toMatchObject({
      code: 'DATABASE_CORRUPT',
      message: expect.stringContaining('ENOSPC'),
    });
    expect(world.disk.paths()).toEqual(paths);
    world.disk.capacity = Number.POSITIVE_INFINITY;
    expect((await salvaging(world)).find('Store')).toHaveLength(10);
  });

  it('keeps no more than three damaged databases', async () => {
    const world = await folded();
    for (let time = 0; time < 5; time += 1) {
      const [journal] = world.disk.paths().filter((path) => /^\/db\/device\.\d+\.journal$/.test(path));
      await world.disk.remove(journal as string);
      await (await salvaging(world)).close();
    }
    const kept = new Set(world.disk.paths().flatMap((path) => /damaged-(\d)/.exec(path)?.[1] ?? []));
    expect([...kept]).toEqual(['3', '4', '5']);
  });

  it('that came to nothing, by one power cut after the other, costs none of those that are kept', async () => {
    const world = await folded();
    const lose = async () => {
      const [journal] = world.disk.paths().filter((path) => /^\/db\/device\.\d+\.journal$/.test(path));
      await world.disk.remove(journal as string);
    };
    const kept = () => [
      ...new Set(world.disk.paths().flatMap((path) => /damaged-(\d+)\/device/.exec(path)?.[1] ?? [])),
    ];
    for (let time = 0; time < 3; time += 1) {
      await lose();
      await (await salvaging(world)).close();
    }
    expect(kept()).toEqual(['1', '2', '3']);
    await lose();
    for (let crash = 0; crash < 5; crash += 1) {
      world.disk.fault = (operation, path) => {
        if (operation !== 'create' || !path.endsWith('.tmp')) return undefined;
        world.disk.powerFor = world.disk.operations;
        return { code: 'EIO' };
      };
      await expect(salvaging(world)).rejects.toThrow();
      world.disk = world.disk.crash(KEEP_ALL);
    }
    expect(world.disk.paths().filter((path) => path.endsWith('report.json')).length).toBeGreaterThan(2);
    expect(kept()).toEqual(['2', '3']);
    await (await salvaging(world)).close();
    expect(kept()).toHaveLength(3);
    expect(world.disk.paths().filter((path) => path.endsWith('report.json'))).toHaveLength(3);
  });

  it('leaves out what it is told to forget, and does not carry a former owner over to the next', async () => {
    const world = new World();
    const db = await world.open();
    await db.upsert('SyncState', { lastSync: '2026-01-01T00:00:00.000Z' });
    await db.create('Store', { key: 'theirs' });
    await db.setContext({ accountId: '01JNEXT' });
    await db.create('Store', { key: 'ours' });
    await db.close();
    const bytes = world.disk.content(JOURNAL);
    // The change of owner is lost: that the items of the former one were removed, and who the next one is.
    const change = bytes.indexOf('[["r"');
    flip(world.disk, JOURNAL, change > 0 ? change : bytes.lastIndexOf('"c",{'));
    const again = await world.open({
      onDamage: 'salvage',
      context: undefined,
      forgetWhenSalvaged: ['SyncState'],
    });
    expect(again.context.accountId).toBe('01JNEXT');
    expect(again.find('Store').map(({ key }) => key)).toEqual(['ours']);
    expect(again.get('SyncState', {})).toBeUndefined();
    expect(again.stats.salvaged?.left).toBe(1);
  });
});

describe('a database that is looked at', () => {
  it('shows what its files say, changes none of them, and takes no writes', async () => {
    const world = await folded();
    const torn = withoutRoom(world.disk.content('/db/device.2.journal'));
    world.disk.put('/db/device.2.journal', torn.subarray(0, torn.length - 40));
    const before = world.disk.paths().map((path) => world.disk.content(path));
    const { Database } = await import('../database.ts');
    const { silentLogger } = await import('@ioto/runtime');
    const { testSchema } = await import('../database.fixture.ts');
    const db = await Database.inspect({
      directory: '/db',
      schema: compileSchema(testSchema),
      clock: world.clock,
      logger: silentLogger,
      files: world.disk,
    });
    expect(db.find('Store')).toHaveLength(10);
    expect(db.stats).toMatchObject({ items: 10, tornTail: { file: '/db/device.2.journal' } });
    await expect(db.create('Store', { key: 'x' })).rejects.toMatchObject({ code: 'DATABASE_READ_ONLY' });
    await expect(db.compact()).rejects.toMatchObject({ code: 'DATABASE_READ_ONLY' });
    await db.close();
    expect(world.disk.paths().map((path) => world.disk.content(path))).toEqual(before);
  });
});

describe('a model that is kept in memory only from now on', () => {
  it('has its items taken over once, and leaves none on disk to come back old', async () => {
    const world = await folded();
    const db = await world.open({ durability: 'mem' });
    expect(values(db).get('k0')).toBe('second');
    await db.update('Store', { key: 'k0', value: 'third' });
    await db.close();
    const again = await world.open({ durability: 'mem' });
    expect(again.find('Store')).toEqual([]);
    expect(again.context).toMatchObject({ accountId: '01JACCOUNT' });
  });
});
