import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Program } from '@ioto/testkit/programs/program';
import { cpuSecondsOf } from '../../mqtt/load/cpu.ts';
import { GENERATOR_CORE } from '../../mqtt/servers/server.ts';
import type { WebServer } from '../servers/web-server.ts';

export const CONNECTIONS = 32;

export interface LoadResult {
  /** Requests a second. */
  rate: number;
  /** Microseconds of the server's CPU time for each request. */
  cpu: number;
}

export interface LoadTask {
  url: string;
  seconds: number;
  /** Of every request. */
  headers?: Record<string, string>;
}

interface Counted {
  requests: number;
  rate: number;
}

const hasWrk = spawnSync('wrk', ['-v']).error === undefined;
/** What makes the requests: wrk where it is installed, since it costs least. */
export const GENERATOR = hasWrk ? 'wrk' : 'autocannon';

/**
 * Asks one thing of a server again and again, over 32 connections that are kept.
 *
 * @throws when anything but a good answer came back.
 */
export async function load(server: WebServer, task: LoadTask): Promise<LoadResult> {
  const before = cpuSecondsOf([server.pid]);
  const { requests, rate } = await (hasWrk ? wrk(task) : autocannon(task));
  return { rate, cpu: ((cpuSecondsOf([server.pid]) - before) * 1e6) / requests };
}

async function wrk({ url, seconds, headers = {} }: LoadTask): Promise<Counted> {
  const lines = headerLines(headers);
  const said = await run('wrk', ['-t', '1', '-c', `${CONNECTIONS}`, '-d', `${seconds}s`, ...lines, url]);
  const wrong = /^.*(?:Non-2xx|Socket errors).*$/m.exec(said)?.[0];
  if (wrong) throw new Error(`${url}: ${wrong.trim()}`);
  const requests = Number(/(\d+) requests in/.exec(said)?.[1]);
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(said)?.[1]);
  if (!(requests > 0)) throw new Error(`${url}: ${said}`);
  return { requests, rate };
}

const AUTOCANNON = fileURLToPath(new URL('../../../node_modules/autocannon/autocannon.js', import.meta.url));

async function autocannon({ url, seconds, headers = {} }: LoadTask): Promise<Counted> {
  const args = ['-j', '-n', '-c', `${CONNECTIONS}`, '-d', `${seconds}`, ...headerLines(headers), url];
  const answer = JSON.parse(await run(process.execPath, [AUTOCANNON, ...args]));
  if (answer.non2xx > 0 || answer.errors > 0) {
    throw new Error(`${url}: ${answer.non2xx} answers that are none, ${answer.errors} errors`);
  }
  return { requests: answer.requests.total, rate: answer.requests.total / answer.duration };
}

function headerLines(headers: Record<string, string>): string[] {
  return Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
}

async function run(command: string, args: string[]): Promise<string> {
  await using program = Program.spawnCommand('taskset', ['-c', GENERATOR_CORE, command, ...args], {
    name: command,
  });
  const { code } = await program.exited;
  if (code !== 0) throw new Error(program.said);
  return program.stdout;
}
