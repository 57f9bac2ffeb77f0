import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DeviceFiles } from '@ioto/testkit/programs/agent-program';
import { CloudProgram } from '@ioto/testkit/programs/cloud-program';
import type { Program } from '@ioto/testkit/programs/program';
import { memoryOf } from '../life/process-memory.ts';
import { type Bench, type Figure, figure } from '../report.ts';
import { lineOf } from './lines.ts';

/** Lines of the file; `--devices` says another number. */
const LINES = 1_000_000;
const LAST = 'thelastlineofall';
/** Clock ticks a second, by which Linux counts the time of a process. */
const TICKS = 100;

/**
 * A device's log file in the cloud: from the moment that the file is there until its last line is found by a search, by
 * the built programs on one machine. Beside it what reading the same lines costs: cat, and Node's readline.
 */
export const bench: Bench = async ({ progress, devices: lines = LINES }) => {
  const root = mkdtempSync(join(tmpdir(), 'ioto-bench-device-logs-'));
  try {
    const file = join(root, 'lines.log');
    progress(`writing ${lines} lines`);
    writeLines(file, lines);
    const cat = timeOf('cat', [file]);
    const readline = timeOf(process.execPath, ['--input-type=module', '-e', READLINE, file]);
    await using cloud = await CloudProgram.start({ state: join(root, 'cloud') });
    progress('sending them from a device');
    const sent = await send(cloud, root, file);
    return [
      figure('device.rate', lines / sent.seconds, 'lines/s', ['node readline', lines / readline]),
      figure('device.rate.beside', lines / sent.seconds, 'lines/s', ['cat', lines / cat]),
      figure('device.cpu', sent.cpu / (lines / 1e6), 'CPU s a million lines', [
        'node readline',
        readline / (lines / 1e6),
      ]),
      figure('cloud.cpu', sent.cloudCpu / (lines / 1e6), 'CPU s a million lines'),
      figure('device.extra.rss', sent.rss, 'MiB'),
      figure('device.extra.private', sent.private, 'MiB'),
    ] satisfies Figure[];
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
};

const READLINE = `
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
let lines = 0;
const input = createReadStream(process.argv[1]);
for await (const _line of createInterface({ input, crlfDelay: Infinity })) lines += 1;
`;

async function send(cloud: CloudProgram, root: string, file: string) {
  const { device, agent, accountId, id } = await connected(cloud, root);
  await using _agent = agent;
  // Until it has come to rest, and shows what it takes by itself.
  await delay(5000);
  const before = memoryOf(agent.pid);
  const cpu = cpuOf(agent.pid);
  const cloudCpu = cpuOf(cloud.program.pid);
  const most = { rss: 0, private: 0 };
  const sampling = setInterval(() => {
    const { rss, private: own } = memoryOf(agent.pid);
    most.rss = Math.max(most.rss, rss);
    most.private = Math.max(most.private, own);
  }, 100);
  const key = readFileSync(join(cloud.state, 'keys', 'admin.key'), 'utf8').trim();
  const question = {
    bearer: `ioto_admin_${key}`,
    body: { accountId, group: 'ioto', stream: id, pattern: LAST, from: 0, limit: 1 },
  };
  const started = performance.now();
  renameSync(file, join(device.directory, 'logs', 'lines.log'));
  for (;;) {
    const { json } = await cloud.call('/log/filter', question);
    if (((json.items ?? []) as unknown[]).length > 0) break;
    await delay(250);
  }
  const seconds = (performance.now() - started) / 1000;
  clearInterval(sampling);
  const result = {
    seconds,
    cpu: cpuOf(agent.pid) - cpu,
    cloudCpu: cpuOf(cloud.program.pid) - cloudCpu,
    rss: most.rss - before.rss,
    private: most.private - before.private,
  };
  await agent.kill('SIGTERM');
  return result;
}

/** A claimed device that is connected and follows an empty directory. */
async function connected(cloud: CloudProgram, root: string) {
  const product = await cloud.id(['product', 'create', 'Lamp']);
  const directory = join(root, 'device');
  mkdirSync(join(directory, 'logs'), { recursive: true });
  const path = join(directory, 'logs', 'lines.log');
  const device = await DeviceFiles.create({
    directory,
    builder: cloud.api,
    product,
    authority: cloud.authority,
    settings: { logs: { files: [{ path, stream: '{id}', linger: '100 msec' }], poll: '100 msec' } },
  });
  const accountId = await cloud.id(['account', 'create', 'Bench']);
  const agent: Program = device.start(['--verbose']);
  await agent.waitFor(/waiting to be claimed/);
  const id = (await device.id()) ?? '';
  await cloud.id(['device', 'claim', id, '--account', accountId]);
  await agent.waitFor(/in step with the cloud/);
  return { device, agent, accountId, id };
}

function writeLines(file: string, lines: number): void {
  const descriptor = openSync(file, 'w');
  for (let from = 0; from < lines; from += 10_000) {
    const to = Math.min(lines, from + 10_000);
    let text = '';
    for (let n = from; n < to; n += 1) text += `${n === lines - 1 ? LAST : lineOf(n)}\n`;
    writeSync(descriptor, text);
  }
  closeSync(descriptor);
}

/** Seconds, the second time: then the file is in memory. */
function timeOf(command: string, parameters: string[]): number {
  let seconds = 0;
  for (let turn = 0; turn < 2; turn += 1) {
    const started = performance.now();
    execFileSync(command, parameters, { stdio: ['ignore', 'ignore', 'inherit'] });
    seconds = (performance.now() - started) / 1000;
  }
  return seconds;
}

/** Seconds of CPU that a process has used. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}
