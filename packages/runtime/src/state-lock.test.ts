import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { lockStateDirectory } from './state-lock.ts';

const root = mkdtempSync(join(tmpdir(), 'state-lock-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;
const fresh = () => join(root, `state-${count++}`);

test('a second holder is refused by name, and may enter after the first has left', () => {
  const directory = fresh();
  const lock = lockStateDirectory(directory);
  expect(() => lockStateDirectory(directory)).toThrow(`is in use by process ${process.pid}`);
  lock.release();
  lockStateDirectory(directory).release();
  expect(readdirSync(directory)).toEqual([]);
});

test('the lock of a process that was killed is taken over', async () => {
  const directory = fresh();
  const module = fileURLToPath(new URL('./state-lock.ts', import.meta.url));
  const code = `import(${JSON.stringify(module)}).then(({ lockStateDirectory }) => {
    lockStateDirectory(${JSON.stringify(directory)}); process.stdout.write('held'); setInterval(() => {}, 1000); })`;
  const child = spawn(process.execPath, ['--conditions=source', '--import', 'tsx', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  expect(() => lockStateDirectory(directory)).toThrow(`is in use by process ${child.pid}`);
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
  lockStateDirectory(directory).release();
});

test.runIf(existsSync('/proc/self'))(
  'the lock of a process that has ended is taken over, though its parent takes no note of that',
  async () => {
    const directory = fresh();
    lockStateDirectory(directory).release();
    // The shell becomes a program that never waits for the child that the shell had.
    const parent = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = Number(await new Promise((resolve) => parent.stdout.once('data', resolve)));
    const fields = () => {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    };
    while (fields()[0] !== 'Z') await new Promise((resolve) => setTimeout(resolve, 5));
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const holder = { pid, started: fields()[19], boot, nonce: 'x' };
    writeFileSync(join(directory, 'lock'), JSON.stringify(holder));
    lockStateDirectory(directory).release();
    parent.kill();
    await new Promise((resolve) => parent.once('exit', resolve));
  },
);

test('a reused process ID and a torn lock file do not hold the directory for ever', () => {
  const reused = fresh();
  lockStateDirectory(reused).release();
  writeFileSync(
    join(reused, 'lock'),
    JSON.stringify({ pid: process.pid, started: '1', boot: 'an earlier boot', nonce: 'x' }),
  );
  lockStateDirectory(reused).release();
  const torn = fresh();
  lockStateDirectory(torn).release();
  writeFileSync(join(torn, 'lock'), '{"pid": 1');
  lockStateDirectory(torn).release();
});

test.runIf(existsSync('/proc/self'))(
  'a file system that makes no directories is an error, not a wait without end',
  () => {
    expect(() => lockStateDirectory('/proc/ioto/state')).toThrow(
      /cannot write in the state directory .* --state/,
    );
  },
);

test('a state directory that cannot be made says what to do', () => {
  const file = fresh();
  writeFileSync(file, '');
  expect(() => lockStateDirectory(join(file, 'state'))).toThrow(
    /cannot write in the state directory .* --state/,
  );
  expect(() => lockStateDirectory(file)).toThrow(/something else has that name: move it away/);
});
