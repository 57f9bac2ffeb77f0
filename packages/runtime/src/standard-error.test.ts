import { describe, expect, it } from 'vitest';
import { LinesOfFile } from './standard-error.ts';

describe('a log on a disk that is full', () => {
  it('loses lines and nothing else, and says how many when there is room again', () => {
    const written: string[] = [];
    let isFull = false;
    const lines = new LinesOfFile((line) => {
      if (isFull) throw Object.assign(new Error('no room'), { code: 'ENOSPC' });
      written.push(line);
    });
    lines.write('one\n');
    isFull = true;
    lines.write('two\n');
    lines.write('three\n');
    isFull = false;
    lines.write('four\n');
    lines.write('five\n');
    expect(written.map((line) => (line.startsWith('{') ? JSON.parse(line) : line))).toEqual([
      'one\n',
      expect.objectContaining({ level: 'warn', lines: 2, code: 'ENOSPC' }),
      'four\n',
      'five\n',
    ]);
  });
});
