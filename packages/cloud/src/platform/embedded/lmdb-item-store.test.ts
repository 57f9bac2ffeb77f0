import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isCodedError, silentLogger } from '@ioto/runtime';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ItemChange } from '../../ports/item-store.ts';
import { LmdbItemStore } from './lmdb-item-store.ts';

describe('the item store on LMDB', () => {
  let directory: string;
  let store: LmdbItemStore;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ioto-store-'));
    store = new LmdbItemStore({ directory, logger: silentLogger });
    await store.start();
  });

  afterEach(async () => {
    await store.stop();
    await rm(directory, { recursive: true });
  });

  it('gives back what was written, also after it was closed and opened again', async () => {
    await store.write([{ put: { pk: 'a', sk: 'b', list: [1, { x: 'y' }], none: undefined } }]);
    await store.stop();
    await store.start();
    expect(await store.get('a', 'b')).toEqual({ pk: 'a', sk: 'b', list: [1, { x: 'y' }] });
    expect(await store.get('a', 'c')).toBeUndefined();
  });

  it('writes all or nothing, and names the write whose condition failed', async () => {
    await store.write([{ put: { pk: 'a', sk: '1', n: 1 } }]);
    const refused = store.write([
      { put: { pk: 'a', sk: '2' }, if: { absent: true } },
      { put: { pk: 'a', sk: '1', n: 3 }, if: { equals: { n: 2 } } },
    ]);
    await expect(refused).rejects.toMatchObject({ code: 'CONDITION_FAILED', details: { index: 1 } });
    expect(await store.get('a', '2')).toBeUndefined();
    await store.write([{ remove: { pk: 'a', sk: '1' }, if: { exists: true } }]);
    expect(await store.get('a', '1')).toBeUndefined();
  });

  it('lets exactly one of many rivals create an item', async () => {
    const rivals = Array.from({ length: 20 }, (_, n) =>
      store.write([{ put: { pk: 'a', sk: 'one', n }, if: { absent: true } }]).then(
        () => true,
        (error) => !isCodedError(error, 'CONDITION_FAILED'),
      ),
    );
    expect((await Promise.all(rivals)).filter(Boolean)).toHaveLength(1);
  });

  it('lets many change the same items side by side, and no change is lost', async () => {
    const keys = [1, 2, 3, 4, 5].map((n) => ({ pk: 'count', sk: String(n) }));
    const addOne = () =>
      store.update(keys, (items) =>
        keys.map((key, at) => ({ put: { ...key, n: Number(items[at]?.n ?? 0) + 1 } })),
      );
    await Promise.all(Array.from({ length: 20 }, addOne));
    const { items } = await store.query('count');
    expect(items.map(({ n }) => n)).toEqual([20, 20, 20, 20, 20]);
  });

  it('writes nothing of a change that cannot be decided, and all of those beside it', async () => {
    const of = (sk: string) => [{ pk: 'a', sk }];
    const put = (sk: string) => ({ put: { pk: 'a', sk } });
    const [one, broken, twice, two] = await Promise.allSettled([
      store.update(of('1'), () => [put('1')]),
      store.update(of('x'), () => {
        throw new Error('undecided');
      }),
      store.update(of('y'), () => [put('y'), put('y')]),
      store.update(of('2'), () => [put('2')]),
    ]);
    expect([one.status, two.status]).toEqual(['fulfilled', 'fulfilled']);
    expect(broken).toMatchObject({ reason: { message: 'undecided' } });
    expect(twice).toMatchObject({ reason: { code: 'ITEM_KEY_INVALID' } });
    await store.update(of('1'), ([item]) => (item ? [] : [put('3')]));
    expect((await store.query('a')).items.map(({ sk }) => sk)).toEqual(['1', '2']);
  });

  it('sees a partition that gets its first item within the same commit', async () => {
    const keys = ['1', '2', '3', '4'].map((sk) => ({ pk: 'new', sk }));
    const seen: number[] = [];
    const fill = () =>
      store.update(keys, (items) => {
        seen.push(items.filter(Boolean).length);
        return [{ put: { pk: 'new', sk: String(seen.length) } }];
      });
    await Promise.all([fill(), fill(), fill()]);
    expect(seen).toEqual([0, 1, 2]);
  });

  it('tells of committed writes in order, with what was there before', async () => {
    const seen: ItemChange[] = [];
    const off = store.onChange((change) => seen.push(change));
    await Promise.all([1, 2, 3].map((n) => store.write([{ put: { pk: 'a', sk: 'n', n } }])));
    off();
    await store.write([{ remove: { pk: 'a', sk: 'n' } }]);
    expect(seen.map((change) => [change.before?.n, change.after?.n])).toEqual([
      [undefined, 1],
      [1, 2],
      [2, 3],
    ]);
  });

  it('pages through a partition in both directions without leaving or repeating an item', async () => {
    const key = fc.string({
      minLength: 1,
      maxLength: 4,
      unit: fc.constantFrom('a', 'b', '#', 'é', '\u{1f600}', '\uffff'),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(key, { maxLength: 12 }),
        fc.constantFrom('', 'a', 'ab', '#'),
        fc.boolean(),
        fc.integer({ min: 1, max: 4 }),
        async (keys, begins, reverse, limit) => {
          const pk = `p${Math.random()}`;
          await store.write([
            ...keys.map((sk) => ({ put: { pk, sk } })),
            { put: { pk: `${pk}x`, sk: 'a' } },
            { put: { pk: pk.slice(0, -1), sk: 'a' } },
          ]);
          const expected = keys
            .filter((sk) => sk.startsWith(begins))
            .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
          if (reverse) expected.reverse();
          const found: string[] = [];
          let after: string | undefined;
          do {
            const page = await store.query(pk, { begins, after, reverse, limit });
            found.push(...page.items.map((item) => item.sk));
            after = page.next;
          } while (after !== undefined);
          expect(found).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('refuses keys that LMDB could not hold or tell apart', async () => {
    for (const [pk, sk] of [
      ['', 'a'],
      ['a', ''],
      ['a\0', 'b'],
      ['a', 'x'.repeat(2000)],
    ] as const) {
      await expect(store.write([{ put: { pk, sk } }])).rejects.toMatchObject({ code: 'ITEM_KEY_INVALID' });
    }
    await expect(
      store.write([{ put: { pk: 'a', sk: 'b' } }, { remove: { pk: 'a', sk: 'b' } }]),
    ).rejects.toMatchObject({ code: 'ITEM_KEY_INVALID' });
  });
});
