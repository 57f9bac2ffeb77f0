import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { TestAuthority } from '@ioto/testkit/test-authority';
import type { Target } from '../load/client.ts';

export interface Pems {
  authority: string;
  certificate: string;
  key: string;
}

/** One server under the bench, alone on its core. */
export interface Server extends AsyncDisposable {
  readonly name: string;
  readonly target: Target;
}

export interface Subject {
  readonly name: string;
  start(pems: ServerPems): Promise<Server>;
}

export interface ServerPems {
  server: Pems;
  client: Pems;
}

/** What a server under the bench, and the generator, need to prove who they are. */
export async function newPems(authority: TestAuthority): Promise<ServerPems> {
  const server = await authority.issue({ commonName: 'localhost', dnsNames: ['localhost'] });
  const client = await authority.issue({ commonName: 'bench' });
  const { certificate } = authority;
  return { server: { authority: certificate, ...server }, client: { authority: certificate, ...client } };
}

/** Core that servers are kept on; the generator has the other one. */
export const SERVER_CORE = '0';
export const GENERATOR_CORE = '1';
/** Cores of processes that do TLS for a server: those that are left, or else the server's. */
export const WORKER_CORES = cpus().length > 2 ? `2-${cpus().length - 1}` : SERVER_CORE;

/** Runs a file on a core, against the packages as they were built. `flags` are Node's. */
export function forkOn(core: string, url: URL, flags: readonly string[] = []): ChildProcess {
  return fork(fileURLToPath(url), [], {
    execPath: 'taskset',
    execArgv: ['-c', core, process.execPath, ...flags, '--import', 'tsx'],
  });
}

/** `BENCH_PROFILE=DIR` leaves a CPU profile of every server in Node there. */
const profileFlags = process.env.BENCH_PROFILE
  ? ['--cpu-prof', `--cpu-prof-dir=${process.env.BENCH_PROFILE}`]
  : [];

/** What a server in Node says when it listens. */
export interface Listening {
  tcp: number;
  tls: number;
  /** Process IDs of those that do its TLS. */
  workers?: number[];
}

/** A server in Node: its file tells the ports that it listens on, and ends with its channel. */
export async function nodeServer(
  name: string,
  file: string,
  { server, client }: ServerPems,
  options: object = {},
): Promise<Server> {
  const child = forkOn(SERVER_CORE, new URL(file, import.meta.url), profileFlags);
  child.send({ pems: server, options });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the server ${name} ended with ${code}; npm run build comes first`);
  });
  const [{ workers, ...listening }] = (await Promise.race([once(child, 'message'), ended])) as [Listening];
  ended.catch(() => undefined);
  return {
    name,
    target: { ...listening, ...client, pids: [child.pid as number, ...(workers ?? [])] },
    async [Symbol.asyncDispose]() {
      if (!child.connected) return;
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}
