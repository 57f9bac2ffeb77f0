import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { anonymousMemoryOf } from '../life/process-memory.ts';
import { percentile } from '../report.ts';
import type { WebServer } from './servers/web-server.ts';

/** Milliseconds after which a server is looked at. */
const SETTLED = 2000;
/** Connections that are opened at once. */
const TOGETHER = 50;

/** KiB that a server keeps for each of so many connections that have asked for `path` once and stay open. */
export async function idleConnection(server: WebServer, path: string, count: number): Promise<number> {
  const { port } = new URL(server.http);
  const sockets: Socket[] = [];
  try {
    sockets.push(await ask(Number(port), path));
    await delay(SETTLED);
    const before = anonymousMemoryOf(server.pid);
    while (sockets.length <= count) {
      const batch = Array.from({ length: TOGETHER }, () => ask(Number(port), path));
      sockets.push(...(await Promise.all(batch)));
    }
    await delay(SETTLED);
    const lost = sockets.filter(({ destroyed, readableEnded }) => destroyed || readableEnded).length;
    if (lost > 0) throw new Error(`${server.name} closed ${lost} of ${count} idle connections`);
    return ((anonymousMemoryOf(server.pid) - before) * 1024) / count;
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

/** MiB of private memory of a server that `start` starts, once `used` has used it; the median of `runs` of them. */
export async function privateMemory(
  subjects: readonly { start: () => Promise<WebServer>; used: (server: WebServer) => Promise<void> }[],
  runs: number,
): Promise<number[]> {
  const all = subjects.map((): number[] => []);
  for (let run = 0; run < runs; run += 1) {
    for (const [at, { start, used }] of subjects.entries()) {
      await using server = await start();
      await used(server);
      await delay(SETTLED);
      all[at]?.push(anonymousMemoryOf(server.pid));
    }
  }
  return all.map((values) => percentile(values, 0.5));
}

/** One request on a connection of its own, which stays. */
async function ask(port: number, path: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  const [answer] = await once(socket, 'data');
  if (!String(answer).startsWith('HTTP/1.1 200')) throw new Error(`answered ${String(answer).slice(0, 30)}`);
  socket.resume();
  return socket;
}
