import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bench, type Figure, figure, percentile } from '../report.ts';
import { action } from './action.ts';
import { CONNECTIONS, GENERATOR, type LoadResult, load } from './load/http-load.ts';
import { idleConnection, privateMemory } from './memory.ts';
import { buildAgent, ownCertificate, startIoto } from './servers/ioto.ts';
import { hasNginx, record, startBare, startFastify, startNginx } from './servers/peers.ts';
import type { WebServer } from './servers/web-server.ts';

/** Runs of each server in a row of the table, in turn with the others. */
const RUNS = 7;
const SECONDS = 1;
const IDLE = 2000;
/** Starts of an agent with the service and of one without it, in turn. */
const STARTS = 3;

const SMALL = '/1k.txt';
const LARGE = '/1mb.bin';
/** Where thousands of connections may stay. */
const PATIENT = {
  limits: { connections: IDLE + 100 },
  timeouts: { keepAlive: '10 mins', inactivity: '10 mins' },
};

/**
 * The web server of the built agent beside bare Node that answers the same bytes from memory, fastify and nginx: each a process
 * on one core, the generator on another, one at a time and in turn.
 */
export const bench: Bench = async ({ progress }) => {
  const directory = mkdtempSync(join(tmpdir(), 'ioto-bench-web-'));
  try {
    const root = join(directory, 'site');
    mkdirSync(root);
    writeFileSync(
      join(root, SMALL),
      `${'A thousand and twenty-three letters. '.repeat(28).slice(0, 1023)}\n`,
    );
    writeFileSync(join(root, LARGE), randomBytes(2 ** 20));
    progress(`building; ${GENERATOR} asks over ${CONNECTIONS} connections`);
    const file = await buildAgent(join(directory, 'agent.cjs'), 'web,database');
    const rows = new Rows(progress);
    await throughput(rows, directory, root, file);
    await action({
      ...{ directory, root },
      recorded: (server, paths, headers) => recorded(directory, server, paths, headers),
      measure: (url, servers, headers) => rows.load('web.action', url, servers, headers),
    });
    await idle(rows, directory, root, file);
    await servicePrivate(rows, directory, root, file);
    return rows.figures;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

async function throughput(rows: Rows, directory: string, root: string, file: string): Promise<void> {
  await using ours = await startIoto({ file, directory: join(directory, 'ioto'), root, secure: true });
  const tls = ownCertificate(join(directory, 'ioto'));
  await using bare = await startBare(await recorded(directory, ours), tls);
  await using fastify = await startFastify(root);
  await using nginx = hasNginx() ? await startNginx(join(directory, 'nginx'), root, tls) : undefined;
  await rows.load('web.static-1k', ({ http }) => `${http}${SMALL}`, [ours, bare, fastify, nginx]);
  await rows.load('web.static-1k-https', ({ https }) => `${https}${SMALL}`, [ours, bare, nginx]);
  await rows.load('web.static-1mb', ({ http }) => `${http}${LARGE}`, [ours, nginx, bare]);
}

async function idle(rows: Rows, directory: string, root: string, file: string): Promise<void> {
  rows.progress(`web.idle.connection: ${IDLE} connections to each`);
  await using ours = await startIoto({ file, directory: join(directory, 'idle'), root, web: PATIENT });
  await using bare = await startBare(await recorded(directory, ours));
  const [own, beside] = [await idleConnection(ours, SMALL, IDLE), await idleConnection(bare, SMALL, IDLE)];
  rows.add(figure('web.idle.connection', own, 'KiB', [bare.name, beside]));
}

/** What the service adds to an agent: the agent with it, less the one that was built without. */
async function servicePrivate(rows: Rows, directory: string, root: string, file: string): Promise<void> {
  rows.progress(`web.service.private: ${STARTS} starts with and without it`);
  const without = await buildAgent(join(directory, 'without.cjs'), 'database');
  const [withIt = Number.NaN, withoutIt = Number.NaN] = await privateMemory(
    [
      {
        start: () => startIoto({ file, directory: join(directory, 'with'), root }),
        used: async ({ http }) => void (await record(`${http}${SMALL}`)),
      },
      {
        start: () =>
          startIoto({ file: without, directory: join(directory, 'without'), root, services: { web: false } }),
        used: async () => undefined,
      },
    ],
    STARTS,
  );
  rows.add(figure('web.service.private', withIt - withoutIt, 'MiB'));
  rows.add(figure('web.agent.private', withIt, 'MiB', ['without the service', withoutIt]));
}

/** File of what ours answers, headers and all, for the bare one. */
async function recorded(
  directory: string,
  { http }: WebServer,
  paths = [SMALL, LARGE],
  headers: Record<string, string> = {},
): Promise<string> {
  const answers: Record<string, unknown> = {};
  for (const path of paths) answers[path] = await record(`${http}${path}`, headers);
  const file = join(directory, 'answers.json');
  writeFileSync(file, JSON.stringify(answers));
  return file;
}

/** Measures servers in turn and lays the first beside each of the others. */
class Rows {
  readonly figures: Figure[] = [];
  readonly progress: (line: string) => void;

  constructor(progress: (line: string) => void) {
    this.progress = progress;
  }

  /** A server that is undefined is one that is not installed. */
  async load(
    name: string,
    url: (server: WebServer) => string,
    servers: readonly (WebServer | undefined)[],
    headers: Record<string, string> = {},
  ): Promise<void> {
    const present = servers.filter((server) => server !== undefined);
    this.progress(`${name}: ${present.map((server) => server.name).join(', ')}`);
    const results = new Map(present.map((server) => [server, [] as LoadResult[]]));
    for (let run = 0; run <= RUNS; run += 1) {
      for (const server of present) {
        const result = await load(server, { url: url(server), seconds: SECONDS, headers });
        // The first warms up.
        if (run > 0) results.get(server)?.push(result);
      }
    }
    const medians = present.map((server) => {
      const all = results.get(server) ?? [];
      const median = (of: (result: LoadResult) => number) => percentile(all.map(of), 0.5);
      return { name: server.name, rate: median(({ rate }) => rate), cpu: median(({ cpu }) => cpu) };
    });
    const [own, ...peers] = medians;
    if (!own) return;
    for (const peer of peers) this.add(figure(name, own.rate, '/s', [peer.name, peer.rate]));
    if (present.length < servers.length)
      this.add({ ...figure(name, own.rate, '/s'), peer: 'nginx is not installed' });
    for (const peer of peers) this.add(figure(`${name}.cpu`, own.cpu, 'µs', [peer.name, peer.cpu]));
  }

  add(row: Figure): void {
    this.figures.push(row);
    const beside = row.peer === undefined ? '' : `, ${row.peer} ${row.peerValue ?? ''}, ratio ${row.ratio}`;
    this.progress(`  ${row.figure}: ${row.value} ${row.unit}${beside}`);
  }
}
