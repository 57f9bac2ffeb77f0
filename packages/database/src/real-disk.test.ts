import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { coreSchema } from '@ioto/protocol';
import { silentLogger, systemClock } from '@ioto/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Database } from './database.ts';
import { compileSchema } from './schema/compile.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ioto-database-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function open(at = join(directory, 'db')): Promise<Database> {
  return Database.open({
    directory: at,
    schema: compileSchema(coreSchema),
    context: { accountId: 'A', deviceId: 'D' },
    clock: systemClock,
    logger: silentLogger,
  });
}

/** Lets a process write, kills it after `lines` acknowledgements, and returns the last count acknowledged per key. */
async function writeUntilKilled(first: number, lines: number): Promise<Map<string, number>> {
  const program = fileURLToPath(new URL('writing-child.fixture.ts', import.meta.url));
  const parameters = [
    '--conditions=source',
    '--import',
    'tsx',
    program,
    join(directory, 'db'),
    String(first),
  ];
  const child = spawn(process.execPath, parameters, { stdio: ['ignore', 'pipe', 'inherit'] });
  const acknowledged = new Map<string, number>();
  let count = 0;
  for await (const line of createInterface(child.stdout)) {
    const [key = '', value] = line.split(' ');
    acknowledged.set(key, Number(value));
    count += 1;
    if (count === lines) child.kill('SIGKILL');
  }
  return acknowledged;
}

describe('on a real disk', () => {
  it('every acknowledged write is there after the process was killed while it wrote', async () => {
    let first = 0;
    for (const lines of [50, 700]) {
      const acknowledged = await writeUntilKilled(first, lines);
      const db = await open();
      expect(acknowledged.size).toBe(4);
      for (const [key, count] of acknowledged) {
        const value = Number(db.get('Store', { key })?.value);
        expect(value).toBeGreaterThanOrEqual(count);
        // At most the one write of each that was under way.
        expect(value).toBeLessThanOrEqual(count + 1);
        first = Math.max(first, value + 1);
      }
      expect(db.outbox.size).toBe(4);
      await db.close();
    }
  }, 30_000);

  it('all files are private, and nothing half-written stays', async () => {
    const db = await open();
    await db.create('Store', { key: 'a' });
    await db.compact();
    await db.create('Store', { key: 'b' });
    await db.close();
    const at = join(directory, 'db');
    writeFileSync(join(at, 'device.db.tmp'), 'half');
    writeFileSync(join(at, 'device.9.journal.tmp'), 'half');
    const again = await open();
    expect(again.find('Store')).toHaveLength(2);
    await again.close();
    expect(readdirSync(at).sort()).toEqual(['device.2.journal', 'device.db']);
    expect(statSync(at).mode & 0o777).toBe(0o700);
    for (const file of readdirSync(at)) expect(statSync(join(at, file)).mode & 0o777).toBe(0o600);
  });

  it('a directory that cannot be made is one clear error', async () => {
    writeFileSync(join(directory, 'file'), '');
    await expect(open(join(directory, 'file', 'db'))).rejects.toMatchObject({
      code: 'DATABASE_UNREADABLE',
      message: expect.stringContaining(join(directory, 'file', 'db')),
    });
  });

  it('a full one refuses the write and takes the next when there is room', async ({ skip }) => {
    const mount = join(directory, 'small');
    if (!mountSmallDisk(mount)) skip('needs the right to mount');
    try {
      const db = await open(join(mount, 'db'));
      await db.create('Store', { key: 'a', value: '1' });
      writeFileSync(join(mount, 'ballast'), Buffer.alloc(512 * 1024));
      const large = db.create('Store', { key: 'b', value: 'x'.repeat(380_000) });
      const larger = large.then(() => db.create('Store', { key: 'c', value: 'x'.repeat(380_000) }));
      await expect(larger).rejects.toMatchObject({
        code: 'DATABASE_WRITE_FAILED',
        details: { reason: 'ENOSPC' },
      });
      expect(db.get('Store', { key: 'a' })).toMatchObject({ value: '1' });
      rmSync(join(mount, 'ballast'));
      await db.upsert('Store', { key: 'a', value: '2' });
      await db.close();
      const again = await open(join(mount, 'db'));
      expect(again.get('Store', { key: 'a' })).toMatchObject({ value: '2' });
      expect(again.get('Store', { key: 'c' })).toBeUndefined();
      expect(again.stats.tornTail).toBeUndefined();
      await again.close();
    } finally {
      execFileSync('umount', [mount]);
    }
  });
});

/** One megabyte of memory as a disk, where this process may mount one. */
function mountSmallDisk(mount: string): boolean {
  try {
    execFileSync('mkdir', ['-p', mount]);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
