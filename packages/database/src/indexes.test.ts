import { coreSchema } from '@ioto/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { World } from './database.fixture.ts';
import type { Database } from './database.ts';
import type { Page } from './items/item.ts';
import { compileSchema } from './schema/compile.ts';

const schema = compileSchema({
  ...coreSchema,
  indexes: {
    primary: { hash: 'pk', sort: 'sk' },
    gs1: { hash: 'gs1pk', sort: 'gs1sk' },
    byLevel: { type: 'local', sort: 'level' },
    byWeight: { hash: 'kind', sort: 'weight' },
  },
  models: {
    ...coreSchema.models,
    Part: {
      pk: { type: 'string', value: 'part#${accountId}' },
      sk: { type: 'string', value: 'part#${id}' },
      accountId: { type: 'string' },
      id: { type: 'string', required: true },
      kind: { type: 'string' },
      level: { type: 'string' },
      weight: { type: 'number' },
      serial: { type: 'string', unique: true },
      where: { type: 'object' },
      tags: { type: 'array' },
      gs1pk: { type: 'string', value: 'kind#${accountId}#${kind}' },
      gs1sk: { type: 'string', value: 'level#${level}' },
    },
  },
});

const open = (world = new World()) => world.open({ schema });
const ids = (page: Page) => page.map(({ id }) => id);

async function filled(world = new World()): Promise<Database> {
  const db = await open(world);
  for (let at = 0; at < 12; at += 1) {
    await db.create('Part', {
      id: `p${String(at).padStart(2, '0')}`,
      kind: at % 2 ? 'odd' : 'even',
      level: String((at * 5) % 12).padStart(2, '0'),
      weight: at,
    });
  }
  return db;
}

describe('a secondary index', () => {
  it('is in the order of numbers where its sort attribute is one, over pages both ways', async () => {
    const db = await open();
    const weights = [10, 9, -1, 0.5, 1e21, -1e-7, 0, -10, 2];
    for (const weight of weights) await db.create('Part', { id: `w${weight}`, kind: 'k', weight });
    const find = (options: object) => db.find('Part', { kind: 'k' }, { index: 'byWeight', ...options });
    const sorted = weights.toSorted((a, b) => a - b);
    expect(find({}).map(({ weight }) => weight)).toEqual(sorted);
    expect(find({ reverse: true }).map(({ weight }) => weight)).toEqual(sorted.toReversed());
    const first = find({ limit: 4 });
    const second = find({ limit: 4, next: first.next });
    expect(second.map(({ weight }) => weight)).toEqual(sorted.slice(4, 8));
    expect(ids(find({ limit: 4, prev: second.prev }))).toEqual(ids(first));
    expect(ids(db.find('Part', { kind: 'k', weight: 10 }, { index: 'byWeight' }))).toEqual(['w10']);
    await db.update('Part', { id: 'w10', weight: -99 });
    expect(ids(find({ limit: 1 }))).toEqual(['w10']);
  });

  it('has its items in the order of its sort attribute', async () => {
    const db = await filled();
    const levels = db.find('Part', { kind: 'odd' }, { index: 'gs1' }).map(({ level }) => level);
    expect(levels).toEqual(['01', '03', '05', '07', '09', '11']);
    expect(ids(db.find('Part', { kind: 'odd', level: '05' }, { index: 'gs1' }))).toEqual(['p01']);
    expect(db.find('Part', {}, { index: 'byLevel', limit: 2 }).map(({ level }) => level)).toEqual([
      '00',
      '01',
    ]);
  });

  it('follows changes, removals and a change of account', async () => {
    const db = await filled();
    db.find('Part', { kind: 'odd' }, { index: 'gs1' });
    await db.update('Part', { id: 'p01', kind: 'even' });
    await db.update('Part', { id: 'p03', kind: null });
    await db.remove('Part', { id: 'p05' });
    expect(ids(db.find('Part', { kind: 'odd' }, { index: 'gs1' }))).toEqual(['p11', 'p09', 'p07']);
    await db.setContext({ accountId: 'OTHER' });
    expect(db.find('Part', { kind: 'even' }, { index: 'gs1' })).toHaveLength(7);
  });

  it('needs its hash, and must be one of the model', async () => {
    const db = await filled();
    expect(() => db.find('Part', {}, { index: 'gs1' })).toThrow(
      expect.objectContaining({ code: 'KEY_INCOMPLETE' }),
    );
    expect(() => db.find('Part', {}, { index: 'no' })).toThrow(
      expect.objectContaining({ code: 'INDEX_UNKNOWN' }),
    );
    expect(() => db.find('Store', {}, { index: 'gs1' })).toThrow(
      expect.objectContaining({ code: 'INDEX_UNKNOWN' }),
    );
  });

  it('is what its items say after any row of changes, also those that were taken back', async () => {
    const step = fc.record({ id: fc.nat(5), kind: fc.constantFrom('a', 'b', null), fails: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const world = new World();
        const db = await open(world);
        for (const { id, kind, fails } of steps) {
          db.find('Part', { kind: 'a' }, { index: 'gs1' });
          world.disk.fault = (operation) => (fails && operation === 'write' ? { code: 'ENOSPC' } : undefined);
          const key = { id: `p${id}` };
          const write = kind ? db.upsert('Part', { ...key, kind, level: '1' }) : db.remove('Part', key);
          await write.catch(() => undefined);
        }
        world.disk.fault = () => undefined;
        for (const kind of ['a', 'b']) {
          const found = ids(db.find('Part', { kind }, { index: 'gs1' }));
          expect(found).toEqual(ids(db.find('Part', {}, { where: { kind } })));
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('pages', () => {
  it('lead forward and back through the same items, in either order', async () => {
    const db = await filled();
    for (const options of [{}, { reverse: true }, { index: 'byLevel' }]) {
      const whole = ids(db.find('Part', {}, options));
      const pages: Page[] = [db.find('Part', {}, { ...options, limit: 5 })];
      expect(pages[0]?.prev).toBeUndefined();
      for (let next = pages[0]?.next; next; next = pages.at(-1)?.next) {
        pages.push(db.find('Part', {}, { ...options, limit: 5, next }));
      }
      expect(pages.flatMap(ids)).toEqual(whole);
      const second = db.find('Part', {}, { ...options, limit: 5, prev: pages[2]?.prev });
      expect(ids(second)).toEqual(ids(pages[1] as Page));
      const first = db.find('Part', {}, { ...options, limit: 5, prev: second.prev });
      expect(ids(first)).toEqual(ids(pages[0] as Page));
      expect(first.prev).toBeUndefined();
    }
  });

  it('refuse a cursor that is none', async () => {
    const db = await filled();
    for (const next of ['', 'x', '3:ab', '99999:', '1.1:abc']) {
      expect(() => db.find('Part', {}, { next })).toThrow(
        expect.objectContaining({ code: 'CURSOR_INVALID' }),
      );
    }
  });
});

describe('where', () => {
  it.each([
    [{ weight: 3 }, ['p03']],
    [{ weight: { gt: 9 } }, ['p10', 'p11']],
    [{ weight: { ge: '9', lt: 11 } }, ['p09', 'p10']],
    [{ weight: { between: [2, 4] } }, ['p02', 'p03', 'p04']],
    [{ id: { begins: 'p1' } }, ['p10', 'p11']],
    [{ id: { in: ['p02', 'p07'] } }, ['p02', 'p07']],
    [{ or: [{ weight: 1 }, { weight: { le: 0 } }] }, ['p00', 'p01']],
    [{ and: [{ kind: 'odd' }, { not: { weight: { lt: 9 } } }] }, ['p09', 'p11']],
    [{ serial: { exists: true } }, []],
    [{ kind: { ne: 'even' }, weight: { lt: 4 } }, ['p01', 'p03']],
    [{ id: { contains: '05' } }, ['p05']],
  ])('%j finds what it says', async (where, expected) => {
    expect(ids((await filled()).find('Part', {}, { where }))).toEqual(expected);
  });

  it('reaches into objects and arrays', async () => {
    const db = await open();
    await db.create('Part', { id: 'a', where: { shelf: { row: 2 } }, tags: ['new', 'blue'] });
    await db.create('Part', { id: 'b', where: { shelf: { row: 3 } }, tags: ['old'] });
    expect(ids(db.find('Part', {}, { where: { 'where.shelf.row': { ge: 3 } } }))).toEqual(['b']);
    expect(ids(db.find('Part', {}, { where: { tags: { contains: 'blue' } } }))).toEqual(['a']);
  });

  it.each([
    [{ weight: { near: 3 } }],
    [{ nothing: 1 }],
    [{ and: 1 }],
    [{ weight: { between: 1 } }],
    [{ weight: { gt: 'x' } }],
  ])('refuses %j', async (where) => {
    const db = await open();
    expect(() => db.find('Part', {}, { where: where as never })).toThrow(
      expect.objectContaining({ code: 'FIELD_INVALID' }),
    );
  });
});

describe('a unique field', () => {
  it('has no value twice, and gives it free with its item', async () => {
    const db = await open();
    await db.create('Part', { id: 'a', serial: '1' });
    await db.create('Part', { id: 'c' });
    await expect(db.create('Part', { id: 'b', serial: '1' })).rejects.toMatchObject({
      code: 'UNIQUE_TAKEN',
      details: { field: 'serial' },
    });
    await expect(db.update('Part', { id: 'c', serial: '1' })).rejects.toMatchObject({ code: 'UNIQUE_TAKEN' });
    await db.update('Part', { id: 'a', serial: '1', weight: 2 });
    await db.remove('Part', { id: 'a' });
    await db.create('Part', { id: 'b', serial: '1' });
  });
});
