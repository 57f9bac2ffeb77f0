import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type SecureVersion, type TLSSocket } from 'node:tls';
import { TestAuthority } from '@ioto/testkit/test-authority';
import { describe, expect, it } from 'vitest';
import { certificateOfSession } from './session-certificate.ts';

async function serverSide(version: SecureVersion, commonName?: string): Promise<TLSSocket> {
  const authority = await TestAuthority.create();
  const { certificate: cert, key } = await authority.issue({ commonName: 'here', dnsNames: ['localhost'] });
  const client = commonName === undefined ? undefined : await authority.issue({ commonName });
  const options = { cert, key, ca: authority.certificate, requestCert: true, rejectUnauthorized: false };
  const server = createServer({ ...options, minVersion: version, maxVersion: version });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const dialled = connect({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: authority.certificate,
    ...(client ? { cert: client.certificate, key: client.key } : {}),
  });
  dialled.on('error', () => undefined);
  const [socket] = (await once(server, 'secureConnection')) as [TLSSocket];
  dialled.destroy();
  server.close();
  return socket;
}

describe("the peer's certificate in a TLS session", () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('is the one that %s was shown', async (version) => {
    const socket = await serverSide(version, 'JT08FFQXWQ');
    const shown = socket.getPeerX509Certificate();
    expect(certificateOfSession(socket.getSession() as Buffer)).toEqual({
      commonName: 'JT08FFQXWQ',
      serial: shown?.serialNumber.toLowerCase(),
    });
    socket.destroy();
  });

  it('is none where the peer showed none', async () => {
    const socket = await serverSide('TLSv1.3');
    expect(certificateOfSession(socket.getSession() as Buffer)).toBeUndefined();
    socket.destroy();
  });

  it('is none in what is no session, or only the beginning of one', async () => {
    const socket = await serverSide('TLSv1.3', 'JT08FFQXWQ');
    const session = socket.getSession() as Buffer;
    socket.destroy();
    expect(certificateOfSession(Buffer.from('no session'))).toBeUndefined();
    for (let length = 0; length < session.length; length += 1)
      expect(certificateOfSession(session.subarray(0, length))).toBeUndefined();
  });
});
