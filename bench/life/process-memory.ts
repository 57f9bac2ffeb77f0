import { readFileSync } from 'node:fs';

/** Memory of a process in MiB, as Linux counts it: resident, and the part of it that no other process shares. */
export function memoryOf(pid: number): { rss: number; private: number } {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kib = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? Number.NaN);
  return { rss: kib('Rss') / 1024, private: (kib('Private_Clean') + kib('Private_Dirty')) / 1024 };
}

/** The part of a process's memory that is no mapped file, in MiB: what it has made itself. */
export function anonymousMemoryOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) / 1024;
}

/** Milliseconds of CPU that a process has used, in steps of ten. */
export function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  // User and system time, in hundredths of a second [proc(5): fields 14 and 15].
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
