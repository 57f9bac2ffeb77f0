import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { passingCopyOf } from './passing-state.ts';

it('a copy of the state is removed with the program, however that ends', async () => {
  const state = await mkdtemp(join(tmpdir(), 'state-'));
  await writeFile(join(state, 'key'), 'secret');
  const before = process.listeners('exit');
  const copy = await passingCopyOf(state);
  expect(existsSync(join(copy.path, 'key'))).toBe(true);
  const [onExit] = process.listeners('exit').filter((listener) => !before.includes(listener));
  onExit?.(1);
  expect(existsSync(copy.path)).toBe(false);
  await copy.remove();
  expect(process.listeners('exit')).toEqual(before);
  await rm(state, { recursive: true });
});
