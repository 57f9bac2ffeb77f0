import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromText, type StoreValue, toText } from './store.ts';

describe('a Store value', () => {
  it('comes back from its text as what it was', () => {
    const date = fc.date({ noInvalidDate: true });
    const values = fc.oneof(
      fc.string(),
      fc.boolean(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
      date,
      fc.array(fc.string()),
      fc.dictionary(fc.string(), fc.integer()).filter((object) => !Object.hasOwn(object, '__proto__')),
    );
    fc.assert(
      fc.property(values, (value) => {
        const { value: text, type } = toText(value);
        expect(JSON.stringify(fromText(text, type))).toBe(JSON.stringify(value));
      }),
    );
  });

  it('that text cannot hold is refused', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, new Date(Number.NaN), null, undefined]) {
      expect(() => toText(value as StoreValue)).toThrow(expect.objectContaining({ code: 'STORE_VALUE' }));
    }
  });

  it('whose text does not fit its type stays text', () => {
    expect(fromText('many', 'number')).toBe('many');
    expect(fromText('{', 'object')).toBe('{');
    expect(fromText('someday', 'date')).toBe('someday');
  });
});
