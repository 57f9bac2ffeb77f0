import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { group, size, text, time } from '../config/kinds.ts';
import { convertUnits } from './settings.ts';

const schema = group('', {
  limit: size('1k', ''),
  files: Type.Array(group('', { path: text(''), linger: time('5 secs', '') })),
  delays: Type.Array(time('1 sec', '')),
});

describe('times and sizes of the files', () => {
  it('are converted where they stand in lists too', () => {
    const value = {
      limit: '10k',
      files: [{ path: '/a', linger: '2 secs' }, { linger: '1 min' }],
      delays: ['1 sec', 2],
    };
    convertUnits(schema as object, value, [], () => 'here');
    expect(value).toEqual({
      limit: 10_240,
      files: [{ path: '/a', linger: 2000 }, { linger: 60_000 }],
      delays: [1000, 2000],
    });
  });

  it('are refused with their place in a list', () => {
    const value = { files: [{ linger: '2 secs' }, { linger: '2 moons' }] };
    expect(() => convertUnits(schema as object, value, [], (path) => path.join('/'))).toThrow(
      /^files\/1\/linger: files\.1\.linger: /,
    );
  });
});
