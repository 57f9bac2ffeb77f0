import { cpus, totalmem } from 'node:os';

/** One measured figure. Names stay stable, so that runs can be compared over time. */
export interface Figure {
  figure: string;
  value: number;
  unit: string;
  /** What the same run measured beside it. */
  peer?: string;
  peerValue?: number;
  /** value / peerValue. */
  ratio?: number;
}

export interface BenchOptions {
  progress(line: string): void;
  /** Number of simulated devices, where the bench has any. */
  devices: number | undefined;
}

export type Bench = (options: BenchOptions) => Promise<Figure[]>;

export function figure(
  name: string,
  value: number,
  unit: string,
  peer?: [name: string, value: number],
): Figure {
  const round = (n: number) => Number(n.toPrecision(4));
  if (!peer) return { figure: name, value: round(value), unit };
  return {
    figure: name,
    value: round(value),
    unit,
    peer: peer[0],
    peerValue: round(peer[1]),
    ratio: round(value / peer[1]),
  };
}

/** The value below which the share `p` (0..1) of the samples lies. */
export function percentile(samples: readonly number[], p: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(p * sorted.length) - 1)] ?? Number.NaN;
}

export function describeMachine(): string {
  const [cpu] = cpus();
  return `${cpus().length} x ${cpu?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}, Node ${process.versions.node}`;
}

export function printTable(name: string, machine: string, figures: readonly Figure[]): void {
  process.stdout.write(`\n${name}: ${machine}\n\n`);
  const rows = figures.map((f) => [
    f.figure,
    `${f.value} ${f.unit}`,
    f.peer && f.peerValue !== undefined ? `${f.peer}: ${f.peerValue} ${f.unit}` : (f.peer ?? ''),
    f.ratio === undefined ? '' : `x ${f.ratio}`,
  ]);
  const all = [['figure', 'measured', 'peer in the same run', 'ratio'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  for (const row of all)
    process.stdout.write(`${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}\n`);
}
