import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OrderedMap, type Range } from './ordered-map.ts';

const key = fc.string({ unit: fc.constantFrom('a', 'b', '#', '\0'), maxLength: 6 });
const step = fc.tuple(fc.boolean(), key);

function scanned(map: OrderedMap<string>, range: Range): string[] {
  const found: string[] = [];
  map.scan(range, (value, at) => {
    expect(value).toBe(`v${at}`);
    return found.push(at) > 0;
  });
  return found;
}

describe('an ordered map', () => {
  it('holds what a sorted set would, and finds it by its beginning from both ends', () => {
    const steps = fc.array(step, { maxLength: 200 });
    fc.assert(
      fc.property(fc.uniqueArray(key), steps, key, fc.option(key), (start, changes, prefix, from) => {
        const map = OrderedMap.of(start.map((text) => [text, `v${text}`] as const));
        const model = new Set<string>(start);
        for (const [add, text] of changes) {
          const done = add ? map.set(text, `v${text}`) : map.delete(text);
          expect(done).toBe(add ? !model.has(text) : model.has(text));
          if (add) model.add(text);
          else model.delete(text);
        }
        expect(map.size).toBe(model.size);
        const after = from ?? undefined;
        const begins = [...model].sort().filter((text) => text.startsWith(prefix));
        const up = begins.filter((text) => after === undefined || text > after);
        const down = begins.filter((text) => after === undefined || text < after).reverse();
        expect(scanned(map, { prefix, after })).toEqual(up);
        expect(scanned(map, { prefix, after, reverse: true })).toEqual(down);
      }),
    );
  });

  it('stays in order over many chunks', () => {
    const texts = Array.from({ length: 5000 }, (_, at) => String((at * 7919) % 5000).padStart(5, '0'));
    const map = new OrderedMap<string>();
    for (const text of texts) map.set(text, `v${text}`);
    expect(scanned(map, {})).toEqual([...texts].sort());
    for (const text of texts.slice(0, 4000)) map.delete(text);
    const left = texts.slice(4000).sort();
    expect(scanned(map, { prefix: '000' })).toEqual(left.filter((text) => text.startsWith('000')));
    expect(scanned(map, { reverse: true })).toEqual(left.reverse());
  });

  it('stops where it is told to, and replaces values', () => {
    const map = OrderedMap.of([
      ['a', 1],
      ['b', 2],
    ]);
    map.set('a', 3);
    const seen: number[] = [];
    expect(map.scan({}, (value) => seen.push(value) < 1)).toBe(false);
    expect(seen).toEqual([3]);
  });
});
