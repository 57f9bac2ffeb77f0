import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { Peer, PeerCertificate } from '../ports/device-endpoint.ts';
import { type CertificateFacts, certificateOfSession } from './session-certificate.ts';

/** Who is at the other end of a TLS connection, once its handshake is over. */
export function peerOf(socket: TLSSocket): Peer {
  return { remoteAddress: socket.remoteAddress ?? 'unknown', certificate: certificateOf(socket) };
}

/** Undefined for a peer whose certificate is missing or not signed by this cloud. */
function certificateOf(socket: TLSSocket): PeerCertificate | undefined {
  if (!socket.authorized) return undefined;
  const session = socket.getSession();
  const facts = (session && certificateOfSession(session)) ?? factsOf(socket.getPeerX509Certificate());
  return facts && { deviceId: facts.commonName, serial: facts.serial };
}

function factsOf(certificate: X509Certificate | undefined): CertificateFacts | undefined {
  const commonName = certificate && /^CN=(.+)$/m.exec(certificate.subject)?.[1];
  return certificate && commonName
    ? { commonName, serial: certificate.serialNumber.toLowerCase() }
    : undefined;
}
