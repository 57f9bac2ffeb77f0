import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@ioto/testkit/programs/free-port';
import { Program } from '@ioto/testkit/programs/program';
import { SERVER_CORE } from '../../mqtt/servers/server.ts';
import { serverOf, spawnServer, type TlsFiles, type WebServer } from './web-server.ts';

/** An answer as it came: names and values in turn, without those that every server writes for itself. */
export interface RecordedAnswer {
  headers: string[];
  /** Base64. */
  body: string;
}

const ITS_OWN = new Set(['date', 'connection', 'keep-alive', 'set-cookie']);

/** What a server answers, for the bare one to answer the same. */
export function record(url: string, headers: Record<string, string> = {}): Promise<RecordedAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { headers, agent: false }, async (response) => {
      const { rawHeaders, statusCode } = response;
      const parts: Buffer[] = [];
      for await (const part of response) parts.push(part as Buffer);
      if (statusCode !== 200) return reject(new Error(`${url} was answered with ${statusCode}`));
      const kept = rawHeaders.filter((_, at) => !ITS_OWN.has((rawHeaders[at & ~1] ?? '').toLowerCase()));
      resolve({ headers: kept, body: Buffer.concat(parts).toString('base64') });
    });
    outgoing.on('error', reject).end();
  });
}

/**
 * Bare node:http, and node:https where it gets a certificate, that answer out of memory.
 *
 * @param answers file of the answers by path
 */
export async function startBare(answers: string, tls?: TlsFiles): Promise<WebServer> {
  const [http, https] = [await freePort(), await freePort()];
  const program = spawnServer(path('./bare-process.mjs'), [JSON.stringify({ http, https, answers, tls })]);
  await program.waitFor(/ready/);
  return serverOf('bare Node', program, { http, ...(tls && { https }) });
}

export async function startFastify(root: string): Promise<WebServer> {
  const http = await freePort();
  const program = spawnServer(path('./fastify-process.mjs'), [JSON.stringify({ http, root })]);
  await program.waitFor(/ready/);
  return serverOf('fastify-static', program, { http });
}

export function hasNginx(): boolean {
  return spawnSync('nginx', ['-v']).error === undefined;
}

/** nginx in one process, with sendfile, what it knows of a file kept for a second, and no log of accesses. */
export async function startNginx(directory: string, root: string, tls: TlsFiles): Promise<WebServer> {
  const [http, https] = [await freePort(), await freePort()];
  mkdirSync(directory, { recursive: true });
  const config = join(directory, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${join(directory, name)};`)
    .join(' ');
  writeFileSync(
    config,
    `daemon off; master_process off; worker_processes 1; pid ${join(directory, 'nginx.pid')};
error_log stderr crit;
events { worker_connections 1024; }
http {
  access_log off; ${temporary}
  sendfile on; tcp_nopush on; keepalive_requests 1000000; open_file_cache max=100; open_file_cache_valid 1s;
  types { text/plain txt; application/octet-stream bin; }
  ssl_certificate ${tls.certificate}; ssl_certificate_key ${tls.key}; ssl_protocols TLSv1.2 TLSv1.3;
  server { listen 127.0.0.1:${http}; listen 127.0.0.1:${https} ssl; root ${root}; }
}
`,
  );
  const args = ['-c', SERVER_CORE, 'nginx', '-p', directory, '-c', config, '-e', 'stderr'];
  const program = Program.spawnCommand('taskset', args, { name: 'nginx' });
  const server = serverOf('nginx', program, { http, https });
  await listening(program, http);
  return server;
}

/** nginx says nothing when it is ready: the kernel does, in its table of listening sockets. */
async function listening(program: Program, port: number): Promise<void> {
  const mark = `:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`;
  for (let tries = 0; tries < 200; tries += 1) {
    if (program.exit) break;
    if (readFileSync('/proc/net/tcp', 'utf8').includes(mark)) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`nginx does not listen. ${program.said}`);
}

function path(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
