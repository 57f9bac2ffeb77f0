import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OrderedKeys } from './ordered-keys.ts';

const key = fc.string({ unit: fc.constantFrom('a', 'b', '#', '\0'), maxLength: 6 });
const step = fc.tuple(fc.boolean(), key);

describe('ordered keys', () => {
  it('hold what a sorted set would, and find it by its beginning from both ends', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), key, fc.option(key), (steps, prefix, after) => {
        const keys = new OrderedKeys();
        const model = new Set<string>();
        for (const [add, text] of steps) {
          expect(add ? keys.add(text) : keys.delete(text)).toBe(add ? !model.has(text) : model.has(text));
          if (add) model.add(text);
          else model.delete(text);
        }
        expect(keys.size).toBe(model.size);
        const begins = [...model].sort().filter((text) => text.startsWith(prefix));
        const up = begins.filter((text) => after === null || text > after);
        const down = begins.filter((text) => after === null || text < after).reverse();
        expect([...keys.begins(prefix, { after: after ?? undefined })]).toEqual(up);
        expect([...keys.begins(prefix, { after: after ?? undefined, reverse: true })]).toEqual(down);
      }),
    );
  });

  it('stay in order over many chunks', () => {
    const keys = new OrderedKeys();
    const texts = Array.from({ length: 5000 }, (_, at) => String((at * 7919) % 5000).padStart(5, '0'));
    for (const text of texts) keys.add(text);
    expect([...keys.begins('')]).toEqual([...texts].sort());
    for (const text of texts.slice(0, 4000)) keys.delete(text);
    expect([...keys.begins('', { reverse: true })]).toEqual(texts.slice(4000).sort().reverse());
    expect([...keys.begins('000')]).toEqual(
      texts
        .slice(4000)
        .filter((text) => text.startsWith('000'))
        .sort(),
    );
  });
});
