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

test.each([
  `[${'e+00'.repeat(30_000)}`,
  `:${' '.repeat(120_000)}x`,
  `"${'\\"'.repeat(60_000)}\\`,
  `{"a":e+${'0'.repeat(120_000)}x`,
])('a hostile text of 128 KB is refused without stalling the endpoint', (text) => {
  const started = performance.now();
  expect(() => parseLenientJson(text)).toThrow(SyntaxError);
  // Quadratic work on these texts takes seconds; linear work a few milliseconds.
  expect(performance.now() - started).toBeLessThan(500);
});
