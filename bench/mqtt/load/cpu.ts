import { readFileSync } from 'node:fs';

/** Of a kernel tick, on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** CPU seconds that processes have used so far, user and system. */
export function cpuSecondsOf(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    // The name in parentheses may hold blanks.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / TICKS_PER_SECOND;
}

export interface CpuUse {
  /** CPU seconds of the server and of the generator. */
  server: number;
  /** Of the server's first process alone, where it has several. */
  core: number;
  generator: number;
  /** Seconds of the clock. */
  seconds: number;
}

/** Starts to count; the result says what was used since. */
export function countCpu(pids: readonly number[]): () => CpuUse {
  const started = performance.now();
  const server = cpuSecondsOf(pids);
  const core = cpuSecondsOf(pids.slice(0, 1));
  const generator = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(generator);
    return {
      server: cpuSecondsOf(pids) - server,
      core: cpuSecondsOf(pids.slice(0, 1)) - core,
      generator: (user + system) / 1e6,
      seconds: (performance.now() - started) / 1000,
    };
  };
}
