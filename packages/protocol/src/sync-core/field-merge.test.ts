import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSameMerge, type MergeItem, mergeItems, readFieldTimes, timesAfter } from './field-merge.ts';

const NAMES = ['led', 'level', 'mode'];
const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString();

const merge = (a: MergeItem, b: MergeItem) => mergeItems(a, b, NAMES);

function write(before: MergeItem | undefined, change: Record<string, unknown>, seconds: number): MergeItem {
  const after = { updated: at(seconds), fields: { ...before?.fields, ...change } };
  return { ...after, times: timesAfter(before, after, NAMES) };
}

/** An item as writes leave it, each a second or more after the last. */
const items = fc
  .array(
    fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom<unknown>('a', 'b', 1, { x: 1 }, null), fc.nat(2)),
    { minLength: 1, maxLength: 6 },
  )
  .map((writes) => {
    let seconds = 0;
    let item: MergeItem | undefined;
    for (const [name, value, pause] of writes) {
      seconds += 1 + pause;
      item = write(item, { [name]: value }, seconds);
    }
    return item as MergeItem;
  });

describe('items of a model that is merged by field', () => {
  it('come to the same, in whatever order and however often they are merged', () => {
    fc.assert(
      fc.property(items, items, items, (a, b, c) => {
        expect(merge(a, b)).toEqual(merge(b, a));
        expect(merge(merge(a, b), c)).toEqual(merge(a, merge(b, c)));
        expect(merge(merge(a, b), b)).toEqual(merge(a, b));
        expect(isSameMerge(merge(a, a), a, NAMES)).toBe(true);
      }),
    );
  });

  it('keep what each side changed', () => {
    const first = write(undefined, { led: 'off', level: 1 }, 1);
    const device = write(first, { led: 'on' }, 5);
    const owner = write(first, { level: 9 }, 3);
    expect(merge(device, owner)).toEqual({
      updated: at(5),
      fields: { led: 'on', level: 9 },
      times: { '*': at(1), led: at(5), level: at(3) },
    });
  });

  it('let the later value win where both changed one field, and a value that was taken away stay away', () => {
    const first = write(undefined, { led: 'off', level: 1 }, 1);
    expect(merge(write(first, { led: 'on' }, 5), write(first, { led: 'red' }, 6)).fields.led).toBe('red');
    expect(merge(write(first, { level: null }, 5), write(first, { led: 'red' }, 6)).fields).toEqual({
      led: 'red',
    });
  });

  it('are whole where an end does not tell the times of its fields', () => {
    const first = write(undefined, { led: 'off', level: 1 }, 1);
    const old: MergeItem = { updated: at(6), fields: { led: 'on', level: 1 } };
    expect(merge(write(first, { level: 9 }, 3), old).fields).toEqual({ led: 'on', level: 1 });
  });

  it('take no field time from elsewhere that is none, or is later than the item', () => {
    expect(readFieldTimes({ led: at(9), level: 'soon', mode: 7, '*': at(1) }, at(5))).toEqual({
      led: at(5),
      '*': at(1),
    });
    for (const bad of [undefined, null, 'x', [], {}]) expect(readFieldTimes(bad, at(5))).toBeUndefined();
  });
});
