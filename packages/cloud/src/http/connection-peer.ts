import type { Duplex } from 'node:stream';
import type { Peer } from '../ports/device-endpoint.ts';

const peers = new WeakMap<Duplex, Peer>();

/** Remembers the peer of a connection for as long as the connection is held. */
export function notePeer(stream: Duplex, peer: Peer): void {
  peers.set(stream, peer);
}

/** The peer of `request.socket`, also where the connection came through another process. */
export function notedPeer(stream: Duplex): Peer | undefined {
  return peers.get(stream);
}
