import { SYNC_ABILITIES, type SyncAbility, type SyncHello, type SyncPace } from '@ioto/protocol';

/** A device that has said hello on the connection that it has now. */
export interface Peer {
  readonly generation: string;
  /** What both ends can. */
  readonly can: ReadonlySet<SyncAbility>;
  /** Changes that wait on the device, as it said last. */
  pending: number;
  /** Numbers of the latest batches that are durable. */
  readonly taken: number[];
  /** The pace that it was told last. */
  told?: SyncPace;
}

/** Who has said hello. Whatever the contract does not have is done toward these only. */
export class Peers {
  readonly #peers = new Map<string, Peer>();

  said(deviceId: string, { generation, can, pending }: SyncHello): Peer {
    const both = new Set(SYNC_ABILITIES.filter((ability) => can.includes(ability)));
    const peer = { generation, can: both, pending, taken: [] };
    this.#peers.set(deviceId, peer);
    return peer;
  }

  of(deviceId: string): Peer | undefined {
    return this.#peers.get(deviceId);
  }

  /** At each connect and disconnect: the program at the other end may be another one now. */
  forget(deviceId: string): void {
    this.#peers.delete(deviceId);
  }

  /** Changes that wait on devices that are connected, as they said last. */
  get pending(): number {
    let pending = 0;
    for (const peer of this.#peers.values()) pending += peer.pending;
    return pending;
  }
}
