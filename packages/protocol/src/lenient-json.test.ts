import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseLenientJson } from './lenient-json.ts';

test('a zero that an old agent printed as e+00 is read as 0', () => {
  expect(
    parseLenientJson('{"value": e+00, "list": [e+00,-e+00], "text": "e+00 stays, and \\"e+00\\" too"}'),
  ).toEqual({
    value: 0,
    list: [0, 0],
    text: 'e+00 stays, and "e+00" too',
  });
});

test('what is JSON is read as JSON', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      expect(parseLenientJson(text)).toEqual(JSON.parse(text));
    }),
  );
});

test.each(['', '{', '{"a": e+01}', '{"a": e}', 'undefined', '{"a": "unclosed e+00}'])(
  '%j is refused',
  (text) => {
    expect(() => parseLenientJson(text)).toThrow(SyntaxError);
  },
);

// Quadratic work on texts of this size would take hours: a regression hangs here, and needs no stopwatch to be seen.
test.each([
  `[${'e+00'.repeat(500_000)}`,
  `:${' '.repeat(2_000_000)}x`,
  `"${'\\"'.repeat(1_000_000)}\\`,
  `{"a":e+${'0'.repeat(2_000_000)}x`,
])('a hostile text of 2 MB (%#) is refused in linear time', (text) => {
  expect(() => parseLenientJson(text)).toThrow(SyntaxError);
});
