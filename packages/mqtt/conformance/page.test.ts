import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { conformancePage } from './page.ts';

it('the page of conformance says what the statements say (npm run docs)', () => {
  const written = readFileSync(new URL('../../../docs/mqtt-conformance.md', import.meta.url), 'utf8');
  expect(written).toBe(conformancePage());
});
