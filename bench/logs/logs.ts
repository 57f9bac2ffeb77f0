import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rawAppendRate } from '../database/raw-append.ts';
import { type Bench, type Figure, figure, percentile } from '../report.ts';
import { COMMON, LINE_BYTES, RARE } from './lines.ts';
import { putOverHttps } from './over-https.ts';
import type { StoreFigures } from './store-process.ts';

/** Lines that are put and searched; `--devices` says another number. */
const LINES = 10_000_000;
const ROUNDS = 5;
/** A put has 4000 lines: the peer appends as many bytes at once. */
const APPEND = 4000 * LINE_BYTES;

/**
 * The log store: lines that it makes durable a second, beside bare appends and fdatasync of the same bytes; searches over
 * all of them, beside grep over the same lines in one file, plain and compressed. Then PutLogEvents by AWS's client.
 */
export const bench: Bench = async ({ progress, devices = LINES }) => {
  const root = mkdtempSync(join(tmpdir(), 'ioto-bench-logs-'));
  try {
    const file = join(root, 'lines.log');
    progress(`putting ${devices} lines, then searching them`);
    const rawLines = (rawAppendRate(root, APPEND, 200) * APPEND) / LINE_BYTES;
    const figures = await inProcess([root, String(devices), file]);
    progress('grep over the same lines');
    const greps = {
      rare: grep(['-c', '-w', RARE, file]),
      common: grep(['-c', '-w', COMMON, file]),
      json: grep(['-c', '"x":1,', file]),
      absent: grep(['-c', '-w', 'phlogiston', file]),
    };
    execFileSync('gzip', ['-1', '-k', file]);
    const zgrep = timeOf('sh', ['-c', `gzip -dc ${file}.gz | grep -c -w ${RARE}`]);
    const gzipped = statSync(`${file}.gz`).size / statSync(file).size;
    progress('PutLogEvents by the client of AWS');
    const https = await putOverHttps(join(root, 'cloud'));
    return [
      figure('put.rate', figures.putRate, 'lines/s', ['raw append+fdatasync', rawLines]),
      figure('put.overHttps', https.rate, 'lines/s', ['into the store alone', figures.putRate]),
      figure('stored', figures.packed, 'of the lines', ['gzip -1', gzipped]),
      figure('rss', figures.rss, 'MiB'),
      ...(Object.keys(greps) as (keyof typeof greps)[]).flatMap((name) =>
        searchFigures(name, figures, greps[name]),
      ),
      figure('filter.rare.beside', figures.searches.rare.all, 'ms', ['gzip -dc | grep', zgrep]),
    ];
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
};

function searchFigures(
  name: keyof StoreFigures['searches'],
  { searches }: StoreFigures,
  grep: number,
): Figure[] {
  const { first, all, events } = searches[name];
  return [
    figure(`filter.${name}.firstPage.p50`, first, 'ms'),
    figure(`filter.${name}.p50`, all, 'ms', ['grep, the whole file', grep]),
    figure(`filter.${name}.events`, events, ''),
  ];
}

async function inProcess(parameters: string[]): Promise<StoreFigures> {
  const program = fileURLToPath(new URL('store-process.ts', import.meta.url));
  const child = fork(program, parameters, { execArgv: ['--conditions=source', '--import', 'tsx'] });
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`the process that measures the log store ended with ${code}`);
  });
  const [result] = (await Promise.race([once(child, 'message'), failed])) as [StoreFigures];
  await failed.catch(() => undefined);
  return result;
}

/** Milliseconds, the median of some. */
function grep(parameters: string[]): number {
  return percentile(
    Array.from({ length: ROUNDS }, () => timeOf('grep', parameters)),
    0.5,
  );
}

function timeOf(command: string, parameters: string[]): number {
  const started = performance.now();
  try {
    execFileSync(command, parameters, { env: { ...process.env, LC_ALL: 'C' } });
  } catch (error) {
    // It says so when it finds nothing.
    if ((error as { status?: number }).status !== 1) throw error;
  }
  return performance.now() - started;
}
