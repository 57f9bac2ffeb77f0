import { describe, expect, it } from 'vitest';
import { coerce } from './coerce.ts';
import { compileFields } from './field.ts';

function field(rules: Record<string, unknown>) {
  const compiled = compileFields({ it: rules }, 'Model', true).get('it');
  if (!compiled) throw new Error('no field');
  return compiled;
}

describe('a value becomes that of its field', () => {
  it.each([
    [{ type: 'string' }, 42, '42'],
    [{ type: 'string' }, new Date(0), '1970-01-01T00:00:00.000Z'],
    [{ type: 'number' }, ' 4.5e1 ', 45],
    [{ type: 'number' }, true, 1],
    [{ type: 'boolean' }, 'false', false],
    [{ type: 'boolean' }, 1, true],
    [{ type: 'date' }, '2026-01-01', '2026-01-01T00:00:00.000Z'],
    [{ type: 'date' }, '2026-01-28T23:59:59.999Z', '2026-01-28T23:59:59.999Z'],
    [{ type: 'date' }, '2026-02-30T00:00:00.000Z', '2026-03-02T00:00:00.000Z'],
    [{ type: 'date' }, '2026-01-01T24:00:00.000Z', '2026-01-02T00:00:00.000Z'],
    [{ type: 'date', isoDates: false }, '1970-01-01T00:00:01Z', 1000],
    [{ type: 'binary' }, Buffer.from('hello'), 'aGVsbG8='],
    [{ type: 'array', items: { type: 'number' } }, ['1', 2], [1, 2]],
    [{ type: 'object', schema: { x: { type: 'number', default: 3 } } }, { y: 1 }, { x: 3 }],
    [{ type: 'string', validate: '/^a+$/i' }, 'aA', 'aA'],
  ])('%j of %o is %o', (rules, value, expected) => {
    expect(coerce(field(rules), value, 'Model.it')).toEqual(expected);
  });

  it.each([
    [{ type: 'string' }, {}],
    [{ type: 'number' }, ''],
    [{ type: 'number' }, Number.POSITIVE_INFINITY],
    [{ type: 'boolean' }, 2],
    [{ type: 'date' }, new Date(Number.NaN)],
    [{ type: 'date' }, '2026-13-01T00:00:00.000Z'],
    [{ type: 'date' }, '2026-01-01T00:00:60.000Z'],
    [{ type: 'object' }, new Map()],
    [{ type: 'object' }, { deep: () => undefined }],
    [{ type: 'array', items: { type: 'number' } }, ['x']],
    [{ type: 'string', validate: '/^a+$/' }, 'b'],
    [{ type: 'string', enum: ['a'] }, 'b'],
  ])('%j refuses %o', (rules, value) => {
    expect(() => coerce(field(rules), value, 'Model.it')).toThrow(
      expect.objectContaining({ code: 'FIELD_INVALID', message: expect.stringContaining('Model.it') }),
    );
  });

  it('requires what a nested schema requires', () => {
    const rules = { type: 'object', schema: { x: { type: 'number', required: true } } };
    expect(() => coerce(field(rules), {}, 'Model.it')).toThrow(
      expect.objectContaining({ code: 'FIELD_REQUIRED', message: expect.stringContaining('Model.it.x') }),
    );
  });

  it('refuses what is nested without end', () => {
    const endless: Record<string, unknown> = {};
    endless.self = endless;
    expect(() => coerce(field({ type: 'object' }), endless, 'Model.it')).toThrow(
      expect.objectContaining({ code: 'FIELD_INVALID' }),
    );
  });

  it('never shows a long value in an error', () => {
    const secret = 's'.repeat(100);
    expect(() => coerce(field({ type: 'number' }), secret, 'Model.it')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(secret) }),
    );
  });
});
