import type { ChangeCommand, WireItem } from '@ioto/protocol';

/** One item whose latest change is not acknowledged yet, ready for the wire. */
export interface OutboxEntry {
  /** Sort key, which names the item on the wire. */
  readonly key: string;
  readonly model: string;
  readonly cmd: ChangeCommand;
  /** The item as it is now, hidden fields too, with type and `sk`, without `pk`; of a removed one its key fields and `updated`. */
  readonly item: WireItem;
  /** The `seq` of the change: grows with every change, across restarts. */
  readonly version: number;
}

/** What an acknowledgement needs to say: the entry as it was sent. */
export type Acknowledged = Pick<OutboxEntry, 'key' | 'version'>;

export interface PendingOptions {
  /** Only changes later than this version: what lies behind a batch that is under way. */
  after?: number;
}

/**
 * The changes that the cloud does not have yet, one per item: later changes of an item replace earlier ones. An entry is
 * journalled with its change, in one commit, so that after a crash either both are there or neither is.
 */
export interface Outbox {
  readonly size: number;
  /** Durable entries in order of version, at most `limit`. */
  pending(limit: number, options?: PendingOptions): readonly OutboxEntry[];
  /**
   * Takes entries out. One whose item changed again since `version` stays. On disk a bounded time later: after a crash
   * an entry may come back, and sending it again is harmless. Returns how many were taken out.
   */
  acknowledge(entries: readonly Acknowledged[]): number;
  /** Puts every item of the models that sync up in, as `upsert`. Resolves with their number when that is durable. */
  enqueueAll(): Promise<number>;
  /** Called when entries came in, once they are durable. Returns the function that ends it. */
  onAppend(listener: () => void): () => void;
}
