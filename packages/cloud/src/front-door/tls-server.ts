import { constants } from 'node:crypto';
import { createServer, type SecureContextOptions, type Server } from 'node:tls';
import type { ServerIdentity } from '../ports/certificate-authority.ts';
import { agreedProtocol, type Door } from './doors.ts';

/** What a door's TLS needs of the certificates; the part that a renewal replaces. */
export function tlsOptions(
  door: Door,
  { certificate, key, authority }: ServerIdentity,
): SecureContextOptions {
  return {
    cert: certificate,
    key,
    minVersion: 'TLSv1.2',
    ...(door === 'https' ? {} : { ca: authority }),
    // A ticket would carry the client certificate, encrypted anew for each connection: half of a handshake's cost.
    ...(door === 'mqtt' ? { secureOptions: constants.SSL_OP_NO_TICKET } : {}),
  };
}

/** Bytes of the key that a TLS server seals its sessions with. */
export const TICKET_KEY_LENGTH = 48;

/** Such a key for each door: a session that was begun at one must not be resumed at another. */
export type TicketKeys = Readonly<Record<Door, Buffer>>;

/** A TLS server that does not listen: it is handed raw connections by its event `connection`. */
export function createTlsServer(
  door: Door,
  identity: ServerIdentity,
  handshakeTimeout: number,
  ticketKeys?: TicketKeys,
): Server {
  return createServer({
    ...(ticketKeys ? { ticketKeys: ticketKeys[door] } : {}),
    ...tlsOptions(door, identity),
    handshakeTimeout,
    requestCert: door !== 'https',
    // The front door itself closes what is not authorized, so that it can say why.
    rejectUnauthorized: false,
    ALPNCallback: ({ protocols }) => agreedProtocol(door, protocols),
  });
}
