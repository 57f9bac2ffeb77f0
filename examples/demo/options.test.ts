import { expect, test } from 'vitest';
import { parseOptions } from './options.ts';

test('without options the state lies in .ioto and the cloud is on port 8443', () => {
  expect(parseOptions([])).toEqual({ state: '.ioto', port: 8443, once: false, claim: true });
});

test('every option is heard', () => {
  expect(parseOptions(['--state', '/tmp/x', '--port', '0', '--once', '--no-claim'])).toEqual({
    state: '/tmp/x',
    port: 0,
    once: true,
    claim: false,
  });
});

test.each([
  [['--port', 'x']],
  [['--port', '70000']],
  [['--port', '-1']],
  [['--state', '']],
  [['--bogus']],
  [['stray']],
])('%j is refused', (args) => {
  expect(() => parseOptions(args)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
});
