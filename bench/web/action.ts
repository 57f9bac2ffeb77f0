import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { join } from 'node:path';
import { ACTION_PROGRAM, buildAgent, startIoto } from './servers/ioto.ts';
import { startBare } from './servers/peers.ts';
import type { WebServer } from './servers/web-server.ts';

const PATH = '/api/lamp?room=hall';
const USER = { username: 'bench', password: 'correct horse battery' };
const REALM = 'bench';
/** Who may sign in, as an old configuration of Ioto says it. */
const AUTH = {
  realm: REALM,
  users: {
    [USER.username]: {
      password: `SHA256:${createHash('sha256')
        .update(`${USER.username}:${REALM}:${USER.password}`)
        .digest('hex')}`,
      role: 'user',
    },
  },
};

export interface ActionSite {
  directory: string;
  root: string;
  /** Has the bare one answer what ours does. */
  recorded: (server: WebServer, paths: string[], headers: Record<string, string>) => Promise<string>;
  measure: (
    url: (server: WebServer) => string,
    servers: WebServer[],
    headers: Record<string, string>,
  ) => Promise<void>;
}

/** An action that answers with JSON whom its session's role lets in, beside bare Node that sends the same bytes to anybody. */
export async function action({ directory, root, recorded, measure }: ActionSite): Promise<void> {
  const file = await buildAgent(join(directory, 'action.cjs'), 'web,database', ACTION_PROGRAM);
  await using ours = await startIoto({
    file,
    directory: join(directory, 'action'),
    root,
    web: { auth: AUTH },
  });
  const headers = { cookie: await signIn(ours) };
  await using bare = await startBare(await recorded(ours, [PATH], headers));
  await measure(({ http }) => `${http}${PATH}`, [ours, bare], headers);
}

/** The cookie of a session. */
function signIn({ http }: WebServer): Promise<string> {
  const body = JSON.stringify(USER);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    request(`${http}/api/public/login`, { method: 'POST', headers, agent: false }, (response) => {
      const [cookie = ''] = response.headers['set-cookie']?.[0]?.split(';') ?? [];
      response.resume();
      if (response.statusCode === 200 && cookie) resolve(cookie);
      else reject(new Error(`the login was answered with ${response.statusCode}`));
    })
      .on('error', reject)
      .end(body);
  });
}
