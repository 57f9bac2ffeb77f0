import { execFileSync } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudProgram, freePort, runProgram, TempDirectory, until } from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.create();
});
afterAll(() => world?.[Symbol.asyncDispose]());

/** A tiny file system of its own until the scope ends, or undefined where this user may not mount one. */
async function mountTmpfs(path: string, options: string): Promise<AsyncDisposable | undefined> {
  await mkdir(path, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return {
    async [Symbol.asyncDispose]() {
      execFileSync('umount', ['-l', path]);
    },
  };
}

/** Takes all the room that is left; `dd` fails at the end, as it must. */
async function fill(directory: string): Promise<{ empty(): void }> {
  const path = join(directory, 'filler');
  try {
    execFileSync('dd', ['if=/dev/zero', `of=${path}`, 'bs=4k'], { stdio: 'ignore' });
  } catch {
    expect((await stat(path)).size).toBeGreaterThan(0);
  }
  return { empty: () => execFileSync('rm', [path]) };
}

const NO_MOUNT = 'needs the right to mount a tmpfs (run as root)';

describe('two programs on one state directory', () => {
  it('the second agent says so, names the holder, and exits without harm', async () => {
    const device = await world.device();
    const first = world.switchOn(device);
    const id = await world.registered(device);
    const second = device.start();
    expect(await second.exited).toEqual({ code: 1, signal: null });
    expect(second.stderr).toContain(device.state);
    expect(second.stderr).toContain(String(first.pid));
    expect(second.stdout + second.stderr).not.toMatch(/at .*\.js:\d+/);
    expect(first.exit).toBeUndefined();
    expect(await device.id()).toBe(id);
  });

  it('the second cloud says so, names the holder, and exits without harm', async () => {
    const { state, program } = world.cloud;
    const second = await runProgram('ioto-cloud', [
      'start',
      '--state',
      state,
      '--listen',
      `127.0.0.1:${await freePort()}`,
    ]);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(String(program.pid));
    expect(program.exit).toBeUndefined();
  });

  it('what a killed holder left behind does not lock its successor out', async () => {
    const device = await world.device();
    const first = device.start();
    const id = await world.registered(device);
    await first.kill();
    const second = world.switchOn(device);
    await until('the second to go on', async () => (await device.read('lock'))?.includes(String(second.pid)));
    expect(second.exit).toBeUndefined();
    expect(await device.id()).toBe(id);
  });
});

describe('a state directory that cannot be written', () => {
  it('a file in its place ends the agent with one line that names it', async () => {
    const device = await world.device();
    await writeFile(device.state, 'not a directory');
    const program = device.start();
    expect((await program.exited).code).toBe(1);
    expect(program.stderr.trim().split('\n')).toHaveLength(1);
    expect(program.stderr).toContain(device.state);
  });

  it('a file in its place ends the cloud with one line that names it', async () => {
    await using directory = await TempDirectory.create();
    const state = directory.at('cloud');
    await writeFile(state, 'not a directory');
    const { code, stderr } = await runProgram('ioto-cloud', [
      'start',
      '--state',
      state,
      '--listen',
      '127.0.0.1:0',
    ]);
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(state);
  });

  it('a read-only file system ends the agent with one line that names it', async ({ skip }) => {
    const device = await world.device();
    await using disk = await mountTmpfs(device.state, 'ro,size=64k');
    if (!disk) skip(NO_MOUNT);
    const program = device.start();
    expect((await program.exited).code).toBe(1);
    expect(program.stderr).toContain(device.state);
    expect(program.stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('a full disk', () => {
  it('ends an agent that cannot write who it is, and it starts when there is room', async ({ skip }) => {
    const device = await world.device();
    await using disk = await mountTmpfs(device.state, 'size=64k,nr_inodes=2');
    if (!disk) skip(NO_MOUNT);
    const program = device.start();
    expect((await program.exited).code).toBe(1);
    expect(program.stderr).toMatch(/ENOSPC|full|no space/i);
    execFileSync('mount', ['-o', 'remount,size=8m,nr_inodes=500', device.state]);
    const again = device.start();
    await world.registered(device);
    await again.kill();
  });

  it('in mid-life loses nothing that was acknowledged, and the agent goes on when there is room', async ({
    skip,
  }) => {
    const device = await world.device();
    await using disk = await mountTmpfs(device.state, 'size=8m');
    if (!disk) skip(NO_MOUNT);
    const first = device.start();
    const id = await world.registered(device);
    execFileSync('mount', ['-o', 'remount,size=8m', device.state]);
    const filler = await fill(device.state);
    expect((await world.claim(id)).status).toBe(200);
    // Its certificate cannot be written now; it must say so, and neither loop wildly nor forget who it is.
    await until('it to say so', () => /ENOSPC|full|no space/i.test(first.stderr + first.stdout), {
      timeout: 15_000,
    });
    expect(await device.id()).toBe(id);
    filler.empty();
    if (first.exit) world.switchOn(device);
    await world.online(id, first);
    expect(await device.id()).toBe(id);
    await first.kill();
  });

  it('makes the cloud refuse what it cannot keep, and serve again when there is room', async ({ skip }) => {
    await using directory = await TempDirectory.create();
    const state = directory.at('cloud');
    await using disk = await mountTmpfs(state, 'size=24m');
    if (!disk) skip(NO_MOUNT);
    await using cloud = await CloudProgram.start({ state });
    const filler = await fill(state);
    const bearer = `ioto_admin_${(await readFile(join(state, 'keys', 'admin.key'), 'utf8')).trim()}`;
    const kept: string[] = [];
    let refusal = { status: 0, text: '' };
    for (let n = 0; n < 500 && refusal.status === 0; n += 1) {
      const body = { name: `P${n}`, description: 'x'.repeat(1000) };
      const answer = await cloud.call('/product/create', { bearer, body });
      if (answer.status === 201) kept.push(String(answer.json.id));
      else refusal = answer;
    }
    expect(refusal.status).toBeGreaterThanOrEqual(500);
    expect(refusal.text).toMatch(/"code"/);
    expect(cloud.program.exit).toBeUndefined();
    filler.empty();
    const id = await cloud.id(['product', 'create', 'After']);
    for (const each of [...kept, id]) {
      const { status } = await cloud.call('/product/get', { bearer, body: { id: each } });
      expect(status).toBe(200);
    }
  });
});
