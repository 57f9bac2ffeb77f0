import { newClaimId } from '@ioto/protocol';
import { TempDirectory } from '@ioto/testkit/programs/temp-directory';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommandLine, launchCloud } from './command-line.fixture.ts';

let directory: TempDirectory;
let line: CommandLine;
beforeAll(async () => {
  directory = await TempDirectory.create();
  line = await launchCloud(directory.at('cloud'));
});
afterAll(async () => {
  await line.stop();
  await directory[Symbol.asyncDispose]();
});

describe('ioto-cloud audit', () => {
  it('tells who did what to an account, the latest first, and how much of it is asked for', async () => {
    const account = (await line.admin(['account', 'create', 'Home'])).out.trim();
    const device = newClaimId();
    await line.admin(['device', 'claim', device, '--account', account, '--pre']);
    const { out, said } = await line.admin(['audit', '--account', account]);
    expect(out.trim().split('\n')).toEqual([
      expect.stringMatching(/^[0-9A-Z]{26}$/),
      expect.stringMatching(/^\w{26}$/),
    ]);
    const [last, first] = said.trim().split('\n');
    expect(last).toMatch(/^\s*\d{4}-\S+Z device\.preclaimed by admin, device /);
    expect(last).toContain(device);
    expect(first).toContain('account.created by admin');
    const one = await line.admin(['audit', '--account', account, '--limit', '1', '--json']);
    expect(JSON.parse(one.out).items).toMatchObject([{ action: 'device.preclaimed', deviceId: device }]);
  });

  it('tells who did what to the cloud as a whole', async () => {
    expect(await line.admin(['audit'])).toMatchObject({ code: 0, out: '', said: 'none\n' });
    await line.admin(['broadcast', 'set', 'tariff', 'low']);
    expect((await line.admin(['audit'])).said).toContain('broadcast.set by admin, key tariff');
  });
});
