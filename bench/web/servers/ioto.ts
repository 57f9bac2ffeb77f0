import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@ioto/testkit/programs/free-port';
import { runProgram } from '@ioto/testkit/programs/program';
import { serverOf, spawnServer, type TlsFiles, type WebServer } from './web-server.ts';

/** Routes, redirects, headers and bounds, as a product has them. */
const WEB = {
  headers: { 'Permissions-Policy': 'camera=()' },
  redirect: [{ from: '/old/', to: '/new/' }],
  routes: [
    { match: '/assets/', cache: { maxAge: '1 day', extensions: ['js', 'css'] } },
    { match: '/lang/', trim: '/lang', compressed: true },
    { match: '/firmware/', methods: ['GET'] },
    { match: '/index.php', redirect: '/' },
    { match: '' },
  ],
  limits: { header: '10k', headers: 100, pipeline: 16 },
};

/** The product's program that has an action. */
export const ACTION_PROGRAM = fileURLToPath(new URL('./action-program.ts', import.meta.url));

/** Makes one file of the agent with these services, or of a program of its own with it. */
export async function buildAgent(out: string, services: string, entry?: string): Promise<string> {
  const args = ['build', '--out', out, '--services', services, ...(entry ? ['--entry', entry] : [])];
  const { code, stderr } = await runProgram('ioto', args, { timeout: 60_000 });
  if (code !== 0) throw new Error(stderr);
  return out;
}

export interface IotoOptions {
  /** The built agent. */
  file: string;
  /** Gets configuration and state. */
  directory: string;
  /** Directory of the documents. */
  root: string;
  secure?: boolean;
  services?: Record<string, boolean>;
  /** Further settings of the web server. */
  web?: Record<string, unknown>;
}

/** The built agent, as a device runs it, with nothing but its web server and its database. */
export async function startIoto(options: IotoOptions): Promise<WebServer> {
  const { file, directory, root, secure = false, web } = options;
  const [http, https] = [await freePort(), await freePort()];
  const config = join(directory, 'config');
  mkdirSync(config, { recursive: true });
  const json = (name: string, content: object) => writeFileSync(join(config, name), JSON.stringify(content));
  json('ioto.json5', { services: { web: true, database: true, ...options.services } });
  const listen = [`http://127.0.0.1:${http}`, ...(secure ? [`https://127.0.0.1:${https}`] : [])];
  json('web.json5', { ...WEB, listen, documents: root, ...web });
  const program = spawnServer(file, ['--config', config, '--state', join(directory, 'state')]);
  await program.waitFor(/local services are ready/);
  return serverOf('ioto', program, { http, ...(secure && { https }) });
}

/** The certificate that the agent has made for itself. */
export function ownCertificate(directory: string): TlsFiles {
  const certs = join(directory, 'state', 'certs');
  return { certificate: join(certs, 'web.crt'), key: join(certs, 'web.key') };
}
