import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Bench, type Figure, figure } from '../report.ts';
import type { Rates } from './workload.ts';

const PEERS = ['lmdb', 'libsql', 'nedb', 'rxdb'];

interface Opened {
  milliseconds: number;
  /** By how much the process grew, in MiB of resident memory. */
  grown: number;
}

/** A program that does nothing but have the database open. */
interface Program {
  items: number;
  /** All of its resident memory, in MiB. */
  rss: number;
}

/**
 * The embedded database against raw appends of the same disk and against its peers, each in a process of its own, which
 * runs the built packages. Durable are ioto, lmdb and libsql; nedb does not sync, and rxdb is in memory.
 */
export const bench: Bench = async ({ progress }) => {
  // TMPDIR says which disk is measured.
  const root = mkdtempSync(join(tmpdir(), 'ioto-bench-database-'));
  try {
    const measured = new Map<string, Rates & Partial<Opened>>();
    for (const name of ['ioto', ...PEERS]) {
      progress(`measuring ${name}`);
      const directory = join(root, name);
      mkdirSync(directory);
      mkdirSync(`${directory}-small`);
      const rates = await inChild<Rates>('run', name, directory);
      const opened = name === 'rxdb' ? {} : await inChild<Opened>('open', name, directory);
      measured.set(name, { ...rates, ...opened });
    }
    progress('measuring a program that has ioto open');
    return figures(measured, await programOf(join(root, 'ioto')));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
};

function figures(measured: ReadonlyMap<string, Rates & Partial<Opened>>, program: Program): Figure[] {
  const own = measured.get('ioto');
  if (!own) return [];
  const rows = [
    figure('create.one', own.one, '/s', ['raw append+fdatasync', own.raw]),
    figure('create.100inFlight', own.many, '/s', ['raw append+fdatasync of 100 at once', own.rawMany]),
    figure('get.readyKey', own.getByKey, '/s'),
  ];
  const compare = (name: string, of: keyof (Rates & Opened), unit: string) => {
    for (const peer of PEERS) {
      const other = measured.get(peer)?.[of];
      if (other !== undefined) rows.push(figure(name, own[of] ?? Number.NaN, unit, [peer, other]));
    }
  };
  // Disks are not the same from minute to minute: each is measured against the raw appends of its own run.
  for (const peer of PEERS) {
    const other = measured.get(peer);
    if (!other) continue;
    rows.push(figure('create.one.ofRaw', own.one / own.raw, 'x raw', [peer, other.one / other.raw]));
    rows.push(
      figure('create.100inFlight.ofRaw', own.many / own.rawMany, 'x raw', [peer, other.many / other.rawMany]),
    );
  }
  compare('get.properties', 'get', '/s');
  compare('page.index', 'page', '/s');
  compare('find.unindexed', 'find', '/s');
  compare('open.time', 'milliseconds', 'ms');
  compare('open.memory', 'grown', 'MiB');
  rows.push(figure('open.rss', program.rss, 'MiB'));
  return rows;
}

/** Without the condition `source`: the child resolves the packages as they were built. */
async function inChild<T>(task: string, name: string, directory: string): Promise<T> {
  return resultOf<T>(name, 'child.ts', [task, name, directory], ['--import', 'tsx']);
}

async function programOf(directory: string): Promise<Program> {
  const program = await resultOf<Program>('ioto', 'program.mjs', [directory], []);
  if (program.items < 100_000) throw new Error(`the program found only ${program.items} items`);
  return program;
}

async function resultOf<T>(name: string, file: string, parameters: string[], execArgv: string[]): Promise<T> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), parameters, { execArgv });
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`the process that measures ${name} ended with ${code}; npm run build comes first`);
  });
  const [result] = (await Promise.race([once(child, 'message'), failed])) as [T];
  await failed.catch(() => undefined);
  return result;
}
