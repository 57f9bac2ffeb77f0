import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Program, runProgram, TempDirectory } from '@ioto/testkit';
import { describe, expect, it } from 'vitest';

const SCHEMA = `{
  format: 'onetable:1.1.0', version: '1.0.0', params: { typeField: '_type', timestamps: true, isoDates: true },
  indexes: { primary: { hash: 'pk', sort: 'sk' } },
  models: {
    Reading: {
      pk: { type: 'string', value: 'reading#' }, sk: { type: 'string', value: 'reading#\${id}' },
      id: { type: 'string', required: true }, value: { type: 'number' },
    },
  },
}`;

describe('ioto db', () => {
  it('works on the database of an agent that runs, and on its files once it was killed', async () => {
    await using directory = await TempDirectory.create();
    const [config, state] = [directory.at('config'), directory.at('state')];
    await mkdir(config);
    await writeFile(directory.at('config/schema.json5'), SCHEMA);
    await writeFile(
      directory.at('config/ioto.json5'),
      `{ services: { database: true }, database: { schema: '@config/schema.json5' } }`,
    );
    const db = (args: string[], stdin?: string) =>
      runProgram('ioto', ['--config', config, '--state', state, 'db', ...args], { stdin });
    const items = Array.from({ length: 2000 }, (_, at) => ({ _type: 'Reading', id: `r${at}`, value: at }));
    const lines = items.map((item) => JSON.stringify(item)).join('\n');
    await using agent = Program.spawn('ioto', ['--config', config, '--state', state]);
    await agent.waitFor(/local services are ready/);
    expect(await db(['import', '-'], lines)).toMatchObject({ code: 0, stdout: '2000 items imported\n' });
    const exported = (await db(['export', 'Reading', '--json'])).stdout;
    expect(exported.trim().split('\n')).toHaveLength(2000);
    expect((await db(['salvage'])).stderr).toContain('in use');
    // What was acknowledged to it is on disk.
    await agent.kill('SIGKILL');
    const before = await readdir(directory.at('state/db'));
    expect((await db(['export', 'Reading', '--json'])).stdout).toBe(exported);
    expect(await db(['get', 'Reading', '{ id: "r1999" }'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^value +1999$/m),
    });
    expect(await db(['find', 'Nothing'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^ioto: .*no model "Nothing"; it has .*Reading/),
    });
    // A disk that is full: what would be taken for an export is none.
    const shim = fileURLToPath(new URL('../packages/agent/bin/ioto.js', import.meta.url));
    const words = [shim, '--config', config, '--state', state, 'db', 'export'];
    await using full = Program.spawnCommand('sh', ['-c', 'exec node "$@" > /dev/full', 'sh', ...words]);
    expect(await full.exited).toMatchObject({ code: 1 });
    expect(full.stderr).toMatch(/^ioto: the output cannot be written \(ENOSPC\)/);
    expect((await db(['check'])).code).toBe(0);
    expect(await readdir(directory.at('state/db'))).toEqual(before);
  });
});
