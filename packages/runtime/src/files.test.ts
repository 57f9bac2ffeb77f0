import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { readTextIfPresent, removeFileDurably, writeFileDurably } from './files.ts';

const directory = mkdtempSync(join(tmpdir(), 'runtime-files-'));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('a durable write makes its directory, is private, and leaves no temporary file', async () => {
  const path = join(directory, 'deep', 'state.json');
  await writeFileDurably(path, 'one');
  await writeFileDurably(path, 'two');
  expect(readFileSync(path, 'utf8')).toBe('two');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(directory, 'deep')).mode & 0o777).toBe(0o700);
  expect(readdirSync(join(directory, 'deep'))).toEqual(['state.json']);
});

test('a failed write keeps the old content and cleans up', async () => {
  const path = join(directory, 'state.json');
  await writeFileDurably(path, 'old');
  const unwritable = { length: 1 } as unknown as string;
  await expect(writeFileDurably(path, unwritable)).rejects.toThrow();
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(readdirSync(directory)).toEqual(['state.json']);
});

test('reading or removing what is not there is no error', async () => {
  expect(await readTextIfPresent(join(directory, 'none'))).toBeUndefined();
  await removeFileDurably(join(directory, 'none'));
});
