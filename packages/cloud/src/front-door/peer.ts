import type { TLSSocket } from 'node:tls';
import type { Peer, PeerCertificate } from '../ports/device-endpoint.ts';

/** Who is at the other end of a TLS connection, once its handshake is over. */
export function peerOf(socket: TLSSocket): Peer {
  return { remoteAddress: socket.remoteAddress ?? 'unknown', certificate: certificateOf(socket) };
}

/** Undefined for a peer whose certificate is missing or not signed by this cloud. */
function certificateOf(socket: TLSSocket): PeerCertificate | undefined {
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
  const deviceId = certificate && /^CN=(.+)$/m.exec(certificate.subject)?.[1];
  return certificate && deviceId ? { deviceId, serial: certificate.serialNumber.toLowerCase() } : undefined;
}
