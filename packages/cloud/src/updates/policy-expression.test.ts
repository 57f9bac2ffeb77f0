import { CodedError } from '@ioto/runtime';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePolicy } from './policy-expression.ts';

const device = {
  id: 'JT08FFQXWQ',
  version: '1.9.0',
  iotoVersion: '3.0.0',
  model: 'L2',
  test: 1,
  floor: 3,
  beta: true,
  empty: '',
  site: { name: 'Hall', country: 'DE' },
};

describe('a distribution policy', () => {
  it.each([
    '',
    '  ',
    "version < '1.10.0'",
    "version >= '1.9.0' && version < '2.0.0'",
    "version > '1.9.0-beta.2'",
    "iotoVersion == '3.0.0'",
    "device.version == '1.9.0'",
    'model == "L2"',
    "site.country == 'DE'",
    "device.site.name != 'Cellar'",
    'floor > 2 && floor <= 3',
    'floor == 3.0 && floor > -1',
    'beta && test',
    'test == true',
    'beta == true',
    'beta != false',
    "!(model == 'L1') && !missing",
    "missing != 'x'",
    'missing || beta',
    "model == 'L1' || model == 'L2' && floor == 3",
    "'a' < 'b'",
    '!!beta',
    'null == null',
    'true',
  ])('that says %j is for the device', (text) => {
    expect(parsePolicy(text)(device)).toBe(true);
  });

  it.each([
    'false',
    'missing',
    'missing.deeper',
    'empty',
    "version > '1.10.0'",
    "version == '1.9.0-beta'",
    "missing == 'x'",
    "missing < 'x' || missing >= 'x'",
    'missing == null',
    "floor == '3'",
    "floor < 'x' || floor > 'x'",
    'model == true',
    "(model == 'L1' || model == 'L2') && floor == 4",
    '__proto__',
    'constructor',
    "toString.name == 'toString'",
    'model.length > 0',
    "model == 'l2'",
  ])('that says %j is not', (text) => {
    expect(parsePolicy(text)(device)).toBe(false);
  });

  it.each([
    ['model = 1', 'column 7'],
    ['model ==', 'its end stands at column 9'],
    ['(model', "where ')' is expected"],
    ['model model', '"model" stands at column 7'],
    ["model == 'L2", 'column 10'],
    ['version < 1.9.0', 'column 11'],
    ['process.exit()', '"(" stands at column 13'],
    ['a.b.', 'column 4'],
    ['`x`', 'column 1'],
    ['a < b < c', '"<" stands at column 7'],
    ['&& a', 'column 1'],
    ['a; b', 'column 2'],
    [`${'('.repeat(40)}a${')'.repeat(40)}`, '32 brackets'],
    [`${'!'.repeat(40)}a`, '32 brackets'],
    ['a'.repeat(1025), '1024 characters'],
  ])('%j is refused, with the place', (text, why) => {
    expect(() => parsePolicy(text)).toThrow(
      expect.objectContaining({
        code: 'UPDATE_POLICY_INVALID',
        status: 400,
        message: expect.stringContaining(why),
      }),
    );
  });

  it('never does more than say yes or no, or refuse, whatever it says', () => {
    const words = [
      'version',
      "'1.0.0'",
      '(',
      ')',
      '!',
      '&&',
      '||',
      '==',
      '<',
      '3',
      'site.x',
      ' ',
      "'",
      '.',
      'null',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words), { maxLength: 30 }), fc.string(), (parts, tail) => {
        try {
          expect(typeof parsePolicy(parts.join(' ') + tail)(device)).toBe('boolean');
        } catch (error) {
          expect(error).toBeInstanceOf(CodedError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
