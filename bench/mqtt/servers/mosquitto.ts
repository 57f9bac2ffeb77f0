import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '@ioto/testkit/programs/free-port';
import { SERVER_CORE, type Server, type ServerPems, type Subject } from './server.ts';

/** True when Debian's mosquitto, or another, is installed. */
export function hasMosquitto(): boolean {
  return spawnSync('mosquitto', ['-h']).error === undefined;
}

/** Mosquitto without limits of its own, and with its writes sent at once, as ours are. */
export const mosquitto: Subject = {
  name: 'mosquitto',
  async start({ server, client }: ServerPems): Promise<Server> {
    const directory = mkdtempSync(join(tmpdir(), 'bench-mosquitto-'));
    const file = (name: string, text: string) => {
      const path = join(directory, name);
      writeFileSync(path, text, { mode: 0o644 });
      return path;
    };
    const tcp = await freePort();
    const tls = await freePort();
    const config = file(
      'mosquitto.conf',
      `user root
allow_anonymous true
set_tcp_nodelay true
max_inflight_messages 0
max_queued_messages 0
max_queued_bytes 0
log_type error
listener ${tcp} 127.0.0.1
listener ${tls} 127.0.0.1
cafile ${file('ca.pem', server.authority)}
certfile ${file('server.pem', server.certificate)}
keyfile ${file('server.key', server.key)}
require_certificate true
`,
    );
    const child = spawn('taskset', ['-c', SERVER_CORE, 'mosquitto', '-c', config], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    await reachable(tls);
    return {
      name: 'mosquitto',
      target: { tcp, tls, ...client, pids: [child.pid as number] },
      async [Symbol.asyncDispose]() {
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        await exited;
        rmSync(directory, { recursive: true, force: true });
      },
    };
  },
};

async function reachable(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const socket = connect(port, '127.0.0.1');
    const outcome = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'close').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (outcome) return;
    await delay(50);
  }
  throw new Error('mosquitto does not listen');
}
