import { expect, test } from 'vitest';
import { createLogger, linesForPeople } from './log.ts';

test('secrets among the facts never reach a line', () => {
  const lines: string[] = [];
  const log = createLogger('agent', { level: 'debug', destination: { write: (line) => lines.push(line) } });
  log.info(
    { token: 't0p', answer: { token: 't0p', nested: { password: 't0p' } }, id: 'JT08FFQXWQ' },
    'claimed',
  );
  expect(lines.join('')).not.toContain('t0p');
  expect(JSON.parse(lines[0]!)).toMatchObject({
    level: 'info',
    name: 'agent',
    id: 'JT08FFQXWQ',
    msg: 'claimed',
  });
});

test('on a terminal a line reads as a sentence with its facts', () => {
  const lines: string[] = [];
  const log = createLogger('agent', {
    level: 'info',
    destination: linesForPeople({ write: (line) => lines.push(line) }),
  });
  log.warn(
    { id: 'JT08FFQXWQ', certificate: { subject: 'CN=X Y' }, retryIn: 500, token: 't0p' },
    'tried again',
  );
  expect(lines.join('')).toMatch(
    /^\d\d:\d\d:\d\d warn {2}tried again id=JT08FFQXWQ certificate\.subject="CN=X Y" retryIn=500 token="?\[secret\]"?\n$/,
  );
});

test('on a terminal a stranger cannot write control characters', () => {
  const lines: string[] = [];
  const log = createLogger('agent', {
    level: 'info',
    destination: linesForPeople({ write: (line) => lines.push(line) }),
  });
  log.info({ said: '\u001b[2J', list: ['\u009b1m'] }, 'said \u001b[31m');
  expect(lines.join('').trimEnd()).not.toMatch(/\p{Cc}/u);
});
