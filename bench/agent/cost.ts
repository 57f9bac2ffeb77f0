import { setTimeout as delay } from 'node:timers/promises';
import type { Program } from '@ioto/testkit/programs/program';
import { anonymousMemoryOf, cpuOf, memoryOf } from '../life/process-memory.ts';

/** Milliseconds after which a program that has come as far as it should is looked at. */
const SETTLED = 4000;

export interface Subject {
  start(): Program;
  /** What it says once its local services are ready. */
  local: RegExp;
  /** What it says once it has come as far as it should. */
  reached: RegExp;
}

/** Of one run; times in milliseconds since the process was started, memory in MiB. */
export interface Cost {
  local: number;
  reached: number;
  /** CPU time until it was looked at, for a while idle. */
  cpu: number;
  rss: number;
  private: number;
}

/** Starts each of the subjects `runs` times, in turn, so that a machine that is slow for a while is so for all of them. */
export async function costOf<Name extends string>(
  subjects: Record<Name, Subject>,
  runs: number,
): Promise<Record<Name, Cost[]>> {
  const all = Object.entries<Subject>(subjects);
  const costs = Object.fromEntries(all.map(([name]) => [name, [] as Cost[]])) as Record<Name, Cost[]>;
  for (let run = 0; run < runs; run += 1) {
    for (const [name, subject] of all) costs[name as Name].push(await once(subject));
  }
  return costs;
}

async function once({ start, local, reached }: Subject): Promise<Cost> {
  const started = performance.now();
  await using program = start();
  await program.waitFor(local);
  const localAfter = performance.now() - started;
  await program.waitFor(reached);
  const reachedAfter = performance.now() - started;
  await delay(SETTLED);
  const { pid } = program;
  const memory = { rss: memoryOf(pid).rss, private: anonymousMemoryOf(pid) };
  const cost = { local: localAfter, reached: reachedAfter, cpu: cpuOf(pid), ...memory };
  await program.kill('SIGTERM');
  return cost;
}
