import { mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram, until } from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.create();
});
afterAll(() => world?.[Symbol.asyncDispose]());

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('ioto', () => {
  it('--background prints its process ID once it runs, and goes on without who started it', async () => {
    const device = await world.device();
    const starter = device.start(['--background']);
    expect(await starter.exited).toMatchObject({ code: 0 });
    const pid = Number(starter.stdout);
    expect(isAlive(pid)).toBe(true);
    const log = () => readFile(join(device.state, 'ioto.log'), 'utf8');
    await until('it to be registered', async () => /registered/.test(await log()));
    // The second one cannot run on the same state, and its starter says so.
    const second = device.start(['--background']);
    expect(await second.exited).toMatchObject({ code: 1 });
    expect(second.stderr).toMatch(/^ioto: .*(in use|runs)/m);
    process.kill(pid, 'SIGTERM');
    await until('it to end', async () => !isAlive(pid));
  });

  it('--nosave leaves no trace of what happened, and is the device that it was', async () => {
    const { device, id, program } = await world.connectedDevice();
    await program.kill('SIGTERM');
    const before = await readdir(join(device.state, 'db'));
    const passing = device.start(['--nosave', '--exit', 'ready']);
    expect(await passing.exited).toMatchObject({ code: 0 });
    expect(passing.stderr).toContain(id);
    expect(await readdir(join(device.state, 'db'))).toEqual(before);
  });

  it('--show shows what goes over the line, without the secrets in it', async () => {
    const { device, id, program } = await world.connectedDevice();
    await program.kill('SIGTERM');
    const shown = device.start(['--show', 'HBhb', '--quiet', '--exit', 'ready', '--reset']);
    expect(await shown.exited).toMatchObject({ code: 0 });
    expect(shown.stderr).toMatch(/^> http POST https:.*\/device\/register$/m);
    expect(shown.stderr).toMatch(/^< {3}\{.*"token":"\[secret\]"/m);
    expect(shown.stderr).toMatch(/^> {3}ioto-signature: \[secret\]$/m);
    expect(shown.stderr).toMatch(new RegExp(`^> mqtt .*ioto/service/${id}/`, 'm'));
    expect(shown.stderr).toMatch(new RegExp(`^< mqtt ioto/device/${id}/sync/`, 'm'));
    expect(shown.stderr).not.toContain('PRIVATE KEY');
  });

  it('--sync both sends everything up and asks for everything again', async () => {
    const { device, id, program } = await world.connectedDevice();
    await program.kill('SIGTERM');
    const usual = device.start(['--show', 'B', '--exit', 'ready']);
    await usual.exited;
    expect(usual.stderr).not.toMatch(/"timestamp":"1970-/);
    const whole = world.switchOn(device, ['--show', 'HB', '--sync', 'both']);
    await whole.waitFor(/"timestamp":"1970-/);
    await whole.waitFor(new RegExp(`mqtt .*ioto/service/${id}/db/syncToDynamo`));
  });

  it('--home, --ioto and --trace say where it finds and puts things', async () => {
    const device = await world.device();
    await mkdir(join(device.directory, 'other'));
    await rename(join(device.config, 'ioto.json5'), join(device.config, 'mine.json5'));
    const options = ['--ioto', 'config/mine.json5', '--state', 'other/state', '--trace', 'other/log:warn'];
    const { code, stderr } = await runProgram('ioto', [
      ...['--home', device.directory, ...options, '--exit', 'registered'],
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(await readdir(join(device.directory, 'other'))).toEqual(['log', 'state']);
    expect(await readFile(join(device.directory, 'other', 'log'), 'utf8')).not.toContain('"level":"info"');
  });

  it.each([
    [['--home', '/nowhere'], /^ioto: --home \/nowhere: cannot change to it \(ENOENT\)/],
    [['--ioto', '/nowhere.json5'], /^ioto: --ioto \/nowhere.json5: there is no such file/],
    [['--trace', 'file:loud'], /there is no level "loud"/],
    [['--show', 'xyz'], /letters of HBhb/],
    [['--sync', 'sideways'], /Allowed choices are up, down, both/],
    [['--exit', 'soon'], /a number of seconds, or one of local/],
  ])('refuses %j with a reason', async (args, reason) => {
    const { code, stderr } = await runProgram('ioto', args);
    expect(code).toBe(2);
    expect(stderr).toMatch(reason);
  });

  it('--exit with a number ends after so many seconds', async () => {
    const device = await world.device();
    expect(await device.start(['--exit', '0.5']).exited).toMatchObject({ code: 0 });
  });
});
