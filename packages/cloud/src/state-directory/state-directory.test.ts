import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { TempDirectory } from '@ioto/testkit/programs/temp-directory';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StateDirectory } from './state-directory.ts';
import { readWhereItRuns, WhereItRuns } from './where-it-runs.ts';

let directory: TempDirectory;
let state: StateDirectory;

beforeEach(async () => {
  directory = await TempDirectory.create();
  state = new StateDirectory(directory.at('state'));
});

afterEach(async () => {
  await state.stop();
  await directory[Symbol.asyncDispose]();
});

describe('the state directory', () => {
  it('belongs to one process and its user', async () => {
    await mkdir(state.path);
    await chmod(state.path, 0o755);
    await state.start();
    expect((await stat(state.path)).mode & 0o777).toBe(0o700);
    expect((await stat(state.file('keys', 'admin.key'))).mode & 0o777).toBe(0o600);
    await expect(new StateDirectory(state.path).start()).rejects.toMatchObject({ code: 'STATE_IN_USE' });
    await state.stop();
    await state.start();
  });

  it('makes each secret once, and keeps it', async () => {
    await state.start();
    const [first, second] = await Promise.all([state.secret('tokens'), state.secret('tokens')]);
    expect(first).toHaveLength(32);
    expect(second).toEqual(first);
    expect(await state.secret('other')).not.toEqual(first);
    await state.stop();
    await state.start();
    expect(await state.secret('tokens')).toEqual(first);
    expect(state.adminKey).toBe(
      `ioto_admin_${(await readFile(state.file('keys', 'admin.key'), 'utf8')).trim()}`,
    );
  });

  it('rather says that a secret is damaged than makes another', async () => {
    await state.start();
    await writeFile(state.file('keys', 'sealing.key'), 'short');
    await expect(state.secret('sealing')).rejects.toMatchObject({ code: 'SECRET_DAMAGED' });
    await writeFile(state.file('keys', 'sealing.key'), Buffer.alloc(32).toString('base64url'));
    expect(await state.secret('sealing')).toEqual(Buffer.alloc(32));
  });

  it('tells where the cloud runs while it does', async () => {
    const file = directory.at('running.json');
    const at = {
      api: 'https://localhost:1/api',
      servername: 'localhost',
      host: '127.0.0.1',
      port: 1,
      pid: 1,
    };
    const word = new WhereItRuns({ file, facts: () => at });
    expect(await readWhereItRuns(file)).toBeUndefined();
    await word.start();
    expect(await readWhereItRuns(file)).toEqual(at);
    await writeFile(file, 'half a fil');
    expect(await readWhereItRuns(file)).toBeUndefined();
    await word.stop();
    await word.stop();
  });
});
