import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { configurationReference } from './configuration-reference.ts';

test('the configuration reference says what the schemas say (npm run docs)', () => {
  const written = readFileSync(new URL('../docs/configuration.md', import.meta.url), 'utf8');
  expect(written).toBe(configurationReference());
});

test('every property of both programs is described', () => {
  for (const row of configurationReference().split('\n')) {
    if (row.startsWith('| `')) expect(row).not.toMatch(/\|\s*\|$/);
  }
});
