import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordOf } from '../items/record.ts';
import type { Operation } from './operation.ts';
import { decodeRows, encodeRows } from './rows.ts';

/** Few different ones, so that many are alike; DEL, which separates short texts, among them. */
const texts = fc.oneof(
  fc.constantFrom('', 'a', 'on', '2026-01-01T00:00:00.000Z', 'a\x7fb', '"\n'),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
);
const values = fc.oneof(
  texts,
  fc.integer({ min: -2, max: 2 }),
  fc.boolean(),
  fc.constant(null),
  fc.record({ inner: fc.array(texts, { maxLength: 2 }) }),
);
const attributes = fc.oneof(
  fc.record({ id: texts, value: values }),
  fc.record({ value: values, id: texts }),
  fc.record({ id: texts, value: values, more: texts }),
);
const puts: fc.Arbitrary<Operation> = fc
  .record({
    pk: fc.constantFrom('p#1', 'p#2'),
    sk: texts,
    model: fc.constantFrom('Store', 'Note'),
    attributes,
    seq: fc.nat(9),
    outbox: fc.constantFrom(undefined, 'create' as const),
  })
  .map(({ seq, outbox, ...of }) => ({
    op: 'put',
    seq,
    record: recordOf(of, of.model, of.attributes),
    outbox,
  }));
const others: fc.Arbitrary<Operation> = fc.constantFrom<Operation>(
  { op: 'remove', seq: 3, key: { pk: 'p#1', sk: 'a' } },
  { op: 'acknowledge', versions: [1, 2] },
);
const rows = fc
  .array(fc.oneof({ weight: 9, arbitrary: puts }, { weight: 1, arbitrary: others }), { maxLength: 40 })
  .chain((list) => fc.constantFrom(list, [...list, ...list, ...list]));

function decoded(text: string): Operation[] {
  const operations: Operation[] = [];
  decodeRows(text, (operation) => operations.push(operation));
  return operations;
}

function alike(count: number): Operation[] {
  return Array.from({ length: count }, (_, at) => {
    const item = { id: `k${at}`, unit: 'celsius, as always', tags: [at, { at }] };
    return { op: 'put', seq: at + 1, record: recordOf({ pk: 'p', sk: `s#k${at}` }, 'Store', item) };
  });
}

describe('the rows of a journal', () => {
  it('are read as they were written, in their order', () => {
    fc.assert(
      fc.property(rows, (operations) => {
        const read = decoded(encodeRows(operations));
        expect(read).toEqual(operations);
        // Fields in their order, too.
        expect(JSON.stringify(read)).toBe(JSON.stringify(operations));
      }),
    );
  });

  it('say once what items of one kind have in common', () => {
    const operations = alike(100);
    const one = encodeRows(operations.slice(0, 1)).length;
    expect(encodeRows(operations).length).toBeLessThan((one * operations.length) / 2);
  });

  it('are read in the form of one row an item, as they were written before there were blocks', () => {
    const [operation] = alike(1);
    expect(
      decoded('[["p",1,"p","s#k0","Store",{"id":"k0","unit":"celsius, as always","tags":[0,{"at":0}]}]]'),
    ).toEqual([operation]);
  });

  it('make plain items, frozen through and through', () => {
    for (const { record } of decoded(encodeRows(alike(5))) as Extract<Operation, { op: 'put' }>[]) {
      expect(Object.getPrototypeOf(record.attributes)).toBe(Object.prototype);
      expect(Object.isFrozen(record.attributes)).toBe(true);
      expect(Object.isFrozen(record.attributes.tags)).toBe(true);
      expect(Object.isFrozen((record.attributes.tags as unknown[])[1])).toBe(true);
    }
  });

  it.each([
    ['a row that is no list', '[1]'],
    ['a letter of a later version', '[["z",1]]'],
    ['columns of different lengths', '[["b","M",null,"p",["id"],[1,2],["a","b"],[["x"]]]]'],
    ['a column too few', '[["b","M",null,"p",["id","more"],[1],["a"],[["x"]]]]'],
    ['a name that no attribute has', '[["b","M",null,"p",["__proto__"],[1],["a"],[[{}]]]]'],
    ['a count that is none', '[["b","M",null,"p",["id"],[1],["a"],[{"runs":["x",-1]}]]]'],
  ])('with %s throw', (_what, text) => {
    expect(() => decoded(text)).toThrow(TypeError);
  });
});
