import { Program } from '@ioto/testkit/programs/program';
import { SERVER_CORE } from '../../mqtt/servers/server.ts';

/** One server under the bench, in a process of its own on its core. */
export interface WebServer extends AsyncDisposable {
  readonly name: string;
  /** Of the process that answers. */
  readonly pid: number;
  readonly http: string;
  readonly https: string | undefined;
}

/** What a server that speaks TLS shows, in files. */
export interface TlsFiles {
  certificate: string;
  key: string;
}

/** `BENCH_PROFILE=DIR` leaves a CPU profile of every server in Node there. */
const profileFlags = process.env.BENCH_PROFILE
  ? ['--cpu-prof', `--cpu-prof-dir=${process.env.BENCH_PROFILE}`]
  : [];

/** Runs a script of Node on the core of servers, without a loader or anything else that it did not ask for. */
export function spawnServer(script: string, args: readonly string[]): Program {
  const command = [process.execPath, ...profileFlags, script, ...args];
  return Program.spawnCommand('taskset', ['-c', SERVER_CORE, ...command], { name: script });
}

/** A server that runs, ended as its scope ends. */
export function serverOf(name: string, program: Program, ports: { http: number; https?: number }): WebServer {
  const https = ports.https === undefined ? undefined : `https://127.0.0.1:${ports.https}`;
  return {
    ...{ name, pid: program.pid, http: `http://127.0.0.1:${ports.http}`, https },
    async [Symbol.asyncDispose]() {
      await program.kill('SIGTERM');
    },
  };
}
