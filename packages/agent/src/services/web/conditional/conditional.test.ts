import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEntityTags } from './entity-tag.ts';
import { rangeCounts, weighConditions } from './preconditions.ts';
import { parseRanges } from './ranges.ts';

const MODIFIED = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const current = { etag: '"a"', modified: MODIFIED };
const date = (offset: number) => new Date(MODIFIED + offset * 1000).toUTCString();

describe('conditions of a request', () => {
  it.each<[string, Record<string, string>, string, string]>([
    ['GET', {}, 'go on', 'go on'],
    ['GET', { 'if-match': '"a"' }, 'go on', 'failed'],
    ['GET', { 'if-match': '"b", "a"' }, 'go on', 'failed'],
    ['GET', { 'if-match': 'W/"a"' }, 'failed', 'failed'],
    ['GET', { 'if-match': '*' }, 'go on', 'failed'],
    ['GET', { 'if-match': 'a' }, 'failed', 'failed'],
    ['PUT', { 'if-match': '"b"' }, 'failed', 'failed'],
    ['GET', { 'if-unmodified-since': date(0) }, 'go on', 'go on'],
    ['GET', { 'if-unmodified-since': date(-1) }, 'failed', 'go on'],
    ['PUT', { 'if-unmodified-since': 'yesterday' }, 'go on', 'go on'],
    ['PUT', { 'if-match': '"a"', 'if-unmodified-since': date(-1) }, 'go on', 'failed'],
    ['GET', { 'if-none-match': '"a"' }, 'not modified', 'go on'],
    ['HEAD', { 'if-none-match': 'W/"a"' }, 'not modified', 'go on'],
    ['GET', { 'if-none-match': '*' }, 'not modified', 'go on'],
    ['GET', { 'if-none-match': '"b"' }, 'go on', 'go on'],
    ['PUT', { 'if-none-match': '*' }, 'failed', 'go on'],
    ['PUT', { 'if-none-match': '"a"' }, 'failed', 'go on'],
    ['GET', { 'if-none-match': '"b"', 'if-modified-since': date(0) }, 'go on', 'go on'],
    ['GET', { 'if-none-match': 'b', 'if-modified-since': date(0) }, 'not modified', 'go on'],
    ['GET', { 'if-modified-since': date(0) }, 'not modified', 'go on'],
    ['GET', { 'if-modified-since': date(-1) }, 'go on', 'go on'],
    ['PUT', { 'if-modified-since': date(0) }, 'go on', 'go on'],
    ['GET', { 'if-match': '"b"', 'if-none-match': '"a"' }, 'failed', 'failed'],
  ])('%s %j: %s, and %s where nothing is there', (method, headers, present, absent) => {
    expect(weighConditions(method, headers, current)).toBe(present);
    expect(weighConditions(method, headers, undefined)).toBe(absent);
  });

  it.each<[string, string[] | '*' | undefined]>([
    ['"a"', ['"a"']],
    [' W/"a" ,,"b,c" ', ['W/"a"', '"b,c"']],
    ['*', '*'],
    ['', []],
    ['a', undefined],
    ['"a" "b"', undefined],
    ['w/"a"', undefined],
    ['"a', undefined],
  ])('reads the tags %j', (text, tags) => {
    expect(parseEntityTags(text)).toEqual(tags);
  });

  it('lets a range count only for the very same bytes', () => {
    const later = MODIFIED + 5000;
    const counts = (ifRange?: string, now = later) => rangeCounts(ifRange, current, now);
    expect([counts(), counts('"a"'), counts(date(0))]).toEqual([true, true, true]);
    expect([counts('W/"a"'), counts('"b"'), counts(date(1)), counts('a')]).toEqual(Array(4).fill(false));
    // Written to again within the second that the date names, it could be other bytes.
    expect(counts(date(0), MODIFIED + 500)).toBe(false);
  });
});

describe('a range', () => {
  it.each<[string, unknown]>([
    ['bytes=0-4', [{ start: 0, end: 4 }]],
    ['bytes=0-', [{ start: 0, end: 999 }]],
    ['bytes=-5', [{ start: 995, end: 999 }]],
    ['bytes=-2000', [{ start: 0, end: 999 }]],
    ['BYTES = 990-2000', [{ start: 990, end: 999 }]],
    [
      'bytes=500-600, 0-9',
      [
        { start: 0, end: 9 },
        { start: 500, end: 600 },
      ],
    ],
    ['bytes=0-99,90-199,250-300', [{ start: 0, end: 300 }]],
    ['bytes=0-0,2000-', [{ start: 0, end: 0 }]],
    ['bytes=1000-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-4', undefined],
    ['bytes=', undefined],
    ['bytes=-', undefined],
    ['bytes=a-b', undefined],
    ['bytes=0-4;5', undefined],
    ['lines=0-4', undefined],
    [`bytes=${Array(17).fill('0-0').join(',')}`, undefined],
  ])('%s of a thousand bytes', (header, ranges) => {
    expect(parseRanges(header, 1000)).toEqual(ranges);
  });

  it('never leads out of the file, and its parts are apart and in order, whatever is asked for', () => {
    const edge = fc.option(fc.nat({ max: 2000 }), { nil: '' });
    fc.assert(
      fc.property(fc.array(fc.tuple(edge, edge), { maxLength: 20 }), fc.nat({ max: 1500 }), (asked, size) => {
        const found = parseRanges(`bytes=${asked.map((pair) => pair.join('-')).join(',')}`, size);
        if (!Array.isArray(found)) return;
        let after = -1;
        for (const { start, end } of found) {
          expect(start).toBeGreaterThan(after);
          expect(end).toBeGreaterThanOrEqual(start);
          expect(end).toBeLessThan(size);
          after = end;
        }
      }),
      { numRuns: 200 },
    );
  });
});
