import { fork } from 'node:child_process';
import { createSign } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:tls';
import { fileURLToPath } from 'node:url';
import type { FleetIdentity } from '@ioto/testkit/fleet/index';
import { TestAuthority } from '@ioto/testkit/test-authority';

/**
 * The peer of the life bench: what bare Node needs for the cryptography of one device's life and nothing else, that is
 * one mutual TLS handshake and one signature, client and server on the same cores as the cloud and its generator.
 */
export interface TlsFloor {
  devicesPerSecond: number;
  /** Milliseconds of each handshake when only one is under way. */
  alone: number[];
}

interface ServerPems {
  ca: string;
  certificate: string;
  key: string;
}

export async function measureTlsFloor(
  identities: readonly FleetIdentity[],
  concurrency: number,
): Promise<TlsFloor> {
  const authority = await TestAuthority.create();
  const server = await authority.issue({ commonName: 'localhost', dnsNames: ['localhost'] });
  const client = await authority.issue({ commonName: 'FLOOR00000' });
  const child = fork(fileURLToPath(import.meta.url), ['serve'], { execArgv: process.execArgv });
  try {
    child.send({
      ca: authority.certificate,
      certificate: server.certificate,
      key: server.key,
    } satisfies ServerPems);
    const [port] = (await once(child, 'message')) as [number];
    const life = (identity: FleetIdentity) =>
      new Promise<void>((resolve, reject) => {
        createSign('sha256').update(identity.csr).sign(identity.privateKey);
        const socket = connect({
          host: 'localhost',
          port,
          servername: 'localhost',
          ca: authority.certificate,
          cert: client.certificate,
          key: client.key,
        });
        socket.once('error', reject);
        socket.once('data', () => {
          socket.destroy();
          resolve();
        });
      });
    const alone: number[] = [];
    for (const identity of identities.slice(0, 20)) {
      const started = performance.now();
      await life(identity);
      alone.push(performance.now() - started);
    }
    const queue = [...identities];
    const started = performance.now();
    await Promise.all(
      Array.from({ length: concurrency }, async () => {
        for (let next = queue.pop(); next; next = queue.pop()) await life(next);
      }),
    );
    return { devicesPerSecond: identities.length / ((performance.now() - started) / 1000), alone };
  } finally {
    child.kill();
  }
}

if (process.argv[2] === 'serve' && process.send) {
  const [pems] = (await once(process, 'message')) as [ServerPems];
  const server = createServer(
    { ca: pems.ca, cert: pems.certificate, key: pems.key, requestCert: true, rejectUnauthorized: true },
    (socket) => {
      socket.on('error', () => undefined);
      socket.write('.');
    },
  );
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    process.send?.(typeof address === 'object' ? address?.port : undefined);
  });
}
