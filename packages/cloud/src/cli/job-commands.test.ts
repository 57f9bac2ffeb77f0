import { writeFile } from 'node:fs/promises';
import { newClaimId } from '@ioto/protocol';
import { TempDirectory } from '@ioto/testkit/programs/temp-directory';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommandLine, launchCloud } from './command-line.fixture.ts';

let directory: TempDirectory;
let line: CommandLine;
let account: string;
let device: string;

beforeAll(async () => {
  directory = await TempDirectory.create();
  line = await launchCloud(directory.at('cloud'));
  account = (await line.admin(['account', 'create', 'Home'])).out.trim();
  device = newClaimId();
  await line.admin(['device', 'claim', device, '--account', account, '--pre']);
});
afterAll(async () => {
  await line.stop();
  await directory[Symbol.asyncDispose]();
});

const job = (args: readonly string[], input?: string) =>
  line.admin(['job', ...args, '--account', account], input);

describe('ioto-cloud job', () => {
  it('gives devices a job, shows how it goes, and ends it', async () => {
    const file = directory.at('reboot.json');
    await writeFile(file, '{"operation":"reboot"}');
    const made = await job(['create', 'night', '--document', file, '--device', device, '--timeout', '60']);
    expect(made).toMatchObject({ code: 0, out: 'night\n', said: '  IN_PROGRESS: 1 QUEUED\n' });
    expect((await job(['devices', 'night'])).out).toBe(`${device}\n`);
    const { document, timeoutMinutes } = JSON.parse((await job(['show', 'night', '--json'])).out);
    expect([document, timeoutMinutes]).toEqual([{ operation: 'reboot' }, 60]);
    const unnamed = await job(['create', '--document', '-', '--all'], '{}');
    expect(unnamed.out).toMatch(/^[0-9A-Z]{26}\n$/);
    expect((await job(['list'])).out.split('\n')).toContain('night');
    expect((await job(['remove', 'night'])).said).toContain('cancel it, or remove it by force');
    expect((await job(['cancel', 'night'])).said).toBe('  CANCELED: 1 CANCELED\n');
    expect(await job(['remove', 'night'])).toMatchObject({ code: 0, said: '  removed\n' });
  });

  it.each([
    [['create', '--document', 'nowhere.json', '--all'], '', 'cannot read nowhere.json (ENOENT)'],
    [['create', '--document', '-', '--all'], '{', 'is not JSON'],
    [['create', '--document', '-'], '{}', 'name one target'],
    [['create', '--document', '-', '--device', '0000000000'], '{}', 'no device 0000000000'],
    [['show', 'none'], '', 'no job none'],
    [['cancel', 'none'], '', 'no job none'],
  ])('%j of %j is refused in one line that tells why', async (args, input, why) => {
    const { code, out, said } = await job(args, input);
    expect({ failed: code > 0, out }).toEqual({ failed: true, out: '' });
    expect(said.trim().split('\n')).toHaveLength(1);
    expect(said).toContain(why);
  });
});

describe('ioto-cloud certificate', () => {
  it('lists and revokes what a device has, and says whether expired devices may come back', async () => {
    expect(await line.admin(['certificate', 'list', device])).toMatchObject({ code: 0, out: '' });
    const none = await line.admin(['certificate', 'revoke', device]);
    expect(none).toMatchObject({ code: 0, said: '  nothing was left to be revoked\n' });
    expect((await line.admin(['certificate', 'recovery', account, '--off'])).said).toContain('stay away');
    expect((await line.admin(['certificate', 'recovery', account])).said).toContain('stay away');
    expect((await line.admin(['certificate', 'recovery', account, '--on'])).said).toContain('come back');
  });
});
