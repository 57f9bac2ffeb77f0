import type { Batch } from '../batch.ts';

/** Lines that are gone without having been sent. */
export interface Gap {
  lines?: number;
  bytes?: number;
  /** Milliseconds since 1970. */
  from?: number;
  to?: number;
}

/**
 * What the pump sends from. It is asked for one batch after the other, and told which of them have arrived; it keeps
 * what has not, on disk, so that nothing but the batches is in memory.
 */
export interface EventSource {
  /** What it is called in events and messages. */
  readonly name: string;
  /** When it has something to send, by the clock; undefined: nothing. */
  due(now: number): number | undefined;
  /**
   * Begins the batch and puts in what is next; a batch without events has not come to anything. `window` is the pump's, for
   * reading into.
   */
  fill(batch: Batch, window: Buffer): Promise<void>;
  /** The cloud has the batch. */
  commit(batch: Batch): void;
  /** What was not committed is to be sent again. */
  rewind(): void;
  /** Nothing of what there is may be sent any more: the device has another owner. */
  forget(): Promise<void>;
  /** What to save, as JSON. */
  state(): unknown;
}
