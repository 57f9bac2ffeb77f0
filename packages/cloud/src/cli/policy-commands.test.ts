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
  const claim = ['device', 'claim', device, '--account', account, '--pre'];
  expect((await line.admin(claim)).code).toBe(0);
});
afterAll(async () => {
  await line.stop();
  await directory[Symbol.asyncDispose]();
});

const document = (Effect: string) =>
  JSON.stringify({ Version: '2012-10-17', Statement: { Effect, Action: 'iot:Publish', Resource: '*' } });
const policy = (args: readonly string[], input?: string) =>
  line.admin(['policy', ...args, '--account', account], input);

describe('ioto-cloud policy', () => {
  it('makes a policy from a file, attaches it, tries it, changes it and takes it away', async () => {
    const file = directory.at('doors.json');
    await writeFile(file, document('Allow'));
    const made = await policy(['create', 'doors', '--document', file, '--description', 'Doors']);
    expect(made).toMatchObject({ code: 0, out: 'doors\n', said: '  Doors (version 1, 1 statement)\n' });
    expect((await policy(['list'])).out).toBe('doors\n');

    const trial = ['test', 'iot:Publish', `app/${account}/door`, '--device', device];
    expect(await policy(trial)).toMatchObject({ out: 'refused\n', said: '  nothing allows it\n' });
    expect((await policy(['attach', 'doors', '--all'])).said).toBe('  attached to every device\n');
    await policy(['attach', 'doors', '--device', device]);
    expect(await policy(trial)).toMatchObject({ out: 'allowed\n', said: '  allowed by doors\n' });
    expect((await policy(['show', 'doors'])).said).toContain(`attached to every device, device ${device}`);

    const changed = await policy(['update', 'doors', '--document', '-'], document('Deny'));
    expect(changed.said).toContain('version 2');
    expect(await policy(trial)).toMatchObject({ out: 'refused\n', said: '  denied by doors\n' });
    const { document: stored } = JSON.parse((await policy(['show', 'doors', '--json'])).out);
    expect(stored.Statement[0].Effect).toBe('Deny');

    expect((await policy(['remove', 'doors'])).said).toMatch(/attached to .*detach it everywhere first/);
    await policy(['detach', 'doors', '--all']);
    expect((await policy(['detach', 'doors', '--device', device])).said).toBe('  detached\n');
    expect((await policy(['detach', 'doors', '--device', device])).said).toContain(
      'it was not attached there',
    );
    expect((await policy(['remove', 'doors'])).said).toBe('  removed\n');
    expect((await policy(['list'])).out).toBe('');
  });

  it.each([
    [['create', 'doors', '--document', 'nowhere.json'], '', 'cannot read nowhere.json (ENOENT)'],
    [['create', 'doors', '--document', '-'], '{', 'policy'],
    [['create', 'doors', '--document', '-'], document('Perhaps'), 'statement 1'],
    [['attach', 'none', '--all'], '', 'no policy none'],
    [['attach', 'none'], '', 'name one target'],
    [['detach', 'none', '--all'], '', 'no policy none'],
    [['test', 'iot:Fly', 'x', '--device', 'JT08FFQXWQ'], '', 'must be one of "iot:Connect", "iot:Publish"'],
  ])('%j of %j is refused in one line that tells why', async (args, input, why) => {
    const { code, out, said } = await policy(args, input);
    expect({ failed: code > 0, out }).toEqual({ failed: true, out: '' });
    expect(said.trim().split('\n')).toHaveLength(1);
    expect(said).toContain(why);
  });
});
