import { describe, expect, it } from 'vitest';
import { parseToken, parseUpdate } from './shadow-document.ts';
import { ShadowError } from './shadow-errors.ts';

const nested = (levels: number): string => (levels === 0 ? '1' : `{"a":${nested(levels - 1)}}`);
const desired = (section: string) => `{"state":{"desired":${section}},"clientToken":"t"}`;

function refusalOf(body: string | Buffer, parse: (payload: Buffer) => unknown = parseUpdate) {
  try {
    return { accepted: parse(Buffer.from(body)) };
  } catch (error) {
    if (!(error instanceof ShadowError)) throw error;
    return [error.shadowCode, error.message, error.clientToken];
  }
}

describe('the body of an update', () => {
  it('is read with all that it says', () => {
    const body = '{"state":{"desired":{"a":null},"reported":null},"version":3,"clientToken":"t"}';
    expect(parseUpdate(Buffer.from(body))).toEqual({
      state: { desired: { a: null }, reported: null },
      ...{ version: 3, clientToken: 't' },
    });
    expect(parseUpdate(Buffer.from('{"state":null}'))).toEqual({ state: null });
  });

  it.each([
    ['{', 400, 'Invalid JSON', undefined],
    ['', 400, 'Invalid JSON', undefined],
    ['[]', 400, 'Invalid JSON', undefined],
    ['{"clientToken":"t"}', 400, 'Missing required node: state', 't'],
    ['{"state":[],"clientToken":"t"}', 400, 'State node must be an object', 't'],
    [desired('[]'), 400, 'Desired node must be an object', 't'],
    ['{"state":{"reported":1}}', 400, 'Reported node must be an object', undefined],
    ['{"state":{"wanted":{}},"clientToken":"t"}', 400, 'State contains an invalid node', 't'],
    [desired('{"a":[1,null]}'), 400, 'State contains an invalid node', 't'],
    [desired('{"a":[{"b":null}]}'), 400, 'State contains an invalid node', 't'],
    [desired('{"a":1e999}'), 400, 'State contains an invalid node', 't'],
    ['{"state":{},"version":"1","clientToken":"t"}', 400, 'Invalid version', 't'],
    ['{"state":{},"version":-1}', 400, 'Invalid version', undefined],
    ['{"state":{},"version":null}', 400, 'Invalid version', undefined],
    ['{"state":{},"clientToken":1}', 400, 'Invalid clientToken', undefined],
    ['{"state":{},"clientToken":""}', 400, 'Invalid clientToken', undefined],
    [`{"state":{},"clientToken":"${'é'.repeat(33)}"}`, 400, 'Invalid clientToken', undefined],
    [desired(nested(9)), 400, 'JSON contains too many levels of nesting; maximum is 8', 't'],
    [desired(`{"a":"${'x'.repeat(8192)}"}`), 413, 'The payload exceeds the maximum size allowed', 't'],
    [
      Buffer.from([0x7b, 0xff, 0x7d]),
      415,
      'Unsupported documented encoding; supported encoding is UTF-8',
      undefined,
    ],
  ])('is refused: %s', (body, code, message, token) => {
    expect(refusalOf(body)).toEqual([code, message, token]);
  });

  it('may nest as deep, and be as large, as it may', () => {
    expect(refusalOf(desired(nested(8)))).toHaveProperty('accepted');
    const most = 8192 - '{"desired":{"a":""}}'.length;
    expect(refusalOf(desired(`{"a":"${'x'.repeat(most)}"}`))).toHaveProperty('accepted');
    expect(refusalOf(desired(`{"a":"${'x'.repeat(most + 1)}"}`))).toEqual([413, expect.any(String), 't']);
  });

  it('that nests without end costs no more than a few levels of it', () => {
    const bomb = `{"state":{"desired":{"a":${'['.repeat(60_000)}${']'.repeat(60_000)}}}}`;
    expect(refusalOf(bomb)).toEqual([400, expect.stringContaining('nesting'), undefined]);
  });
});

describe('the body of a get or delete', () => {
  it('is empty, or holds a client token', () => {
    expect(parseToken(Buffer.alloc(0))).toBeUndefined();
    expect(parseToken(Buffer.from('{}'))).toBeUndefined();
    expect(parseToken(Buffer.from('{"clientToken":"t"}'))).toBe('t');
    expect(refusalOf('x', parseToken)).toEqual([400, 'Invalid JSON', undefined]);
  });
});
