import { expect, test } from 'vitest';
import { createLogger } from './log.ts';

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
