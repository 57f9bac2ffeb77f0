import { appendFile, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@ioto/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Entry } from './entry.ts';
import { FileSet } from './sources/file-set.ts';
import type { Tail } from './sources/tail.ts';

const MINUTE = 60_000;
const window = Buffer.alloc(1024 * 1024);
let directory: string;
let now = 0;
let tails: Map<string, Tail>;
let warnings: string[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logs-'));
  tails = new Map();
  warnings = [];
});
afterEach(() => rm(directory, { recursive: true }));

const nameOf = (n: number) => `day-${String(n).padStart(3, '0')}.log`;
/** Written on the day of its number. */
async function writeDay(n: number, text = `line of ${n}\n`): Promise<void> {
  await writeFile(join(directory, nameOf(n)), text);
  await utimes(join(directory, nameOf(n)), n * 86_400, n * 86_400);
}

function setOf(fromStart: boolean, state?: unknown): FileSet {
  const limits = { maxEvents: 10_000, maxSize: 1e6 };
  return new FileSet(
    {
      entry: { fromStart, limits, linger: 0 } as unknown as Entry,
      path: join(directory, '*.log'),
      logger: { ...silentLogger, warn: () => void warnings.push('') },
      now: () => now,
      serverNow: () => now,
      lost: () => undefined,
      added: (tail) => void tails.set(tail.name, tail),
      removed: (tail) => void tails.delete(tail.name),
    },
    state,
  );
}

const isFollowed = (n: number) => tails.has(join(directory, nameOf(n)));
const isDrained = (n: number) => tails.get(join(directory, nameOf(n)))?.isDrained;

describe('more logs than are followed at once', () => {
  beforeEach(async () => {
    for (let n = 0; n < 300; n += 1) await writeDay(n);
  });

  it('are followed from the newest on, and a new one takes the place of one that is sent and idle', async () => {
    const set = setOf(false);
    await set.look(window);
    expect([tails.size, isFollowed(299), isFollowed(44), isFollowed(43)]).toEqual([256, true, true, false]);
    await writeDay(300);
    now += 2 * MINUTE;
    await set.look(window);
    now += 2 * MINUTE;
    await set.look(window);
    expect([tails.size, isFollowed(300), isFollowed(44)]).toEqual([256, true, false]);
    expect(isDrained(300)).toBe(false);
    expect(warnings.length).toBeLessThanOrEqual(1);
    await set.close();
  });

  it('go on where they were when they are written again, in this run and in the next', async () => {
    let set = setOf(false);
    await set.look(window);
    await appendFile(join(directory, nameOf(3)), 'more\n');
    now += 2 * MINUTE;
    await set.look(window);
    now += 2 * MINUTE;
    await set.look(window);
    const at = () => tails.get(join(directory, nameOf(3)))?.state().at;
    expect([isFollowed(3), at()]).toEqual([true, 'line of 3\n'.length]);
    const state = JSON.parse(JSON.stringify(set.state()));
    await set.close();
    tails.clear();
    await appendFile(join(directory, nameOf(5)), 'more\n');
    set = setOf(false, state);
    await set.look(window);
    now += 2 * MINUTE;
    await set.look(window);
    now += 2 * MINUTE;
    await set.look(window);
    expect(tails.get(join(directory, nameOf(5)))?.state().at).toBe('line of 5\n'.length);
    await set.close();
  });
});
