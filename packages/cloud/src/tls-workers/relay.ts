import type { Duplex } from 'node:stream';
import type { Clock } from '@ioto/runtime';
import { carryToPeer } from './write-apart.ts';

export interface RelayLimits {
  /** Milliseconds for a peer to take what was said to it before the core ended the connection. */
  flush: number;
  /** Milliseconds for a peer that has been told of the end to end its own side. */
  linger: number;
}

export const relayLimits: RelayLimits = { flush: 60_000, linger: 2000 };

/**
 * Carries the bytes of a connection between its peer and the core, both ways and at the pace of the slower side. Ends
 * are carried on: one side's end ends only what is said to the other, and what breaks off on one side breaks off on the
 * other.
 *
 * Whether the core has left, or only has nothing more to say, cannot be seen from here. It never stays long behind its
 * end; so the peer is given time for what it was sent, and then a moment.
 */
export function relay(peer: Duplex, core: Duplex, clock: Clock, limits: RelayLimits = relayLimits): void {
  let cancel: () => void = () => undefined;
  const endPeerWithin = (ms: number) => {
    cancel();
    if (!peer.destroyed) cancel = clock.after(ms, () => peer.destroy(), { unref: true });
  };
  for (const side of [peer, core]) {
    side.allowHalfOpen = true;
    side.on('error', () => undefined);
  }
  peer.pipe(core);
  carryToPeer(core, peer);

  core.once('end', () => {
    endPeerWithin(limits.flush);
    peer.once('finish', () => endPeerWithin(limits.linger));
  });
  core.once('close', () => {
    // What the peer goes on saying is thrown away: unread, it would turn the end into a reset that takes the answer along.
    if (core.readableEnded) peer.resume();
    else peer.destroy();
  });
  peer.once('close', () => {
    cancel();
    if (core.destroyed) return;
    // What it had said before it broke off still gets to the core.
    core.once(
      'close',
      clock.after(limits.flush, () => core.destroy(), { unref: true }),
    );
    core.end(() => core.destroy());
  });
}
