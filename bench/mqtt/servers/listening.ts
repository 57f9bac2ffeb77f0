import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import type { Pems } from './server.ts';

/** The first message from the bench. */
export async function instructions<O>(): Promise<{ pems: Pems; options: O }> {
  const [message] = await once(process, 'message');
  process.once('disconnect', () => process.exit(0));
  return message;
}

/** TLS of a server that lets in whoever has a certificate of the bench. */
export function mutualTls({ certificate, key, authority }: Pems) {
  return {
    ...{ cert: certificate, key, ca: authority, requestCert: true, rejectUnauthorized: true },
    ALPNProtocols: ['mqtt'],
  };
}

/** Port of a server that listens on a free one from now on. */
export async function listen(server: Server): Promise<number> {
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
