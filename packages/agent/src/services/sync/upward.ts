import { randomInt } from 'node:crypto';
import type { Acknowledged, Outbox } from '@ioto/database';
import type { SyncAck, SyncUp } from '@ioto/protocol';
import type { Clock } from '@ioto/runtime';
import { gatherBatch, MOST_CHANGES, type Outgoing, toWire } from './batch.ts';

export interface UpwardOptions {
  clock: Clock;
  outbox: Outbox;
  /** Milliseconds until what was not acknowledged is sent again. */
  resendAfter: number;
  /** Bytes of the largest message. */
  maxBytes: number;
  /** The cloud has these changes durably. */
  acknowledged(seq: number, changes: readonly Outgoing[]): void;
}

export type SendBatch = (message: SyncUp) => void;

interface Batch {
  seq: number;
  /** Those that are not acknowledged. */
  changes: readonly Outgoing[];
}

/** Sent batches whose acknowledgement may still come, late, after they were sent again. */
const REMEMBERED = 8;

/**
 * The way of changes to the cloud: one batch under way at a time, sent again until it is acknowledged. What is pending
 * lies in the database's outbox, so nothing is lost with this object but the knowledge of what is under way.
 */
export class Upward {
  readonly #options: UpwardOptions;
  readonly #returns = new Map<string, Outgoing>();
  readonly #sent: Batch[] = [];
  // Ioto contract §10: begins at random, so that an acknowledgement of an earlier run means nothing to this one.
  #seq = randomInt(1, 2 ** 30);
  #current: Batch | undefined;
  #cancel: (() => void) | undefined;
  #send: SendBatch | undefined;
  #pausedUntil = 0;

  constructor(options: UpwardOptions) {
    this.#options = options;
  }

  /** There is a connection to send by. */
  connected(send: SendBatch): void {
    this.#send = send;
    this.#settle();
    this.next();
  }

  /** What was under way is sent again on the next connection. */
  disconnected(): void {
    this.#send = undefined;
    this.#settle();
  }

  /** Sends the device's own item because the cloud's is older. Kept in memory only: the cloud will show its item again. */
  sendBack(item: Outgoing): void {
    this.#returns.set(item.key, item);
    this.next();
  }

  /** Sends nothing for `ms` milliseconds. */
  pause(ms: number): void {
    const { clock } = this.#options;
    this.#pausedUntil = clock.now() + ms;
    this.#settle();
    this.next();
  }

  /** Sends the next batch, unless one is under way or there is nothing to send. */
  next(): void {
    const { clock, outbox, maxBytes, resendAfter } = this.#options;
    if (!this.#send || this.#current) return;
    const pause = this.#pausedUntil - clock.now();
    if (pause > 0) {
      this.#settle();
      this.#cancel = clock.after(pause, () => this.next());
      return;
    }
    const changes = gatherBatch(outbox.pending(MOST_CHANGES), this.#returns, maxBytes);
    if (changes.length === 0) return;
    this.#seq += 1;
    const batch = { seq: this.#seq, changes };
    this.#current = batch;
    this.#sent.push(batch);
    if (this.#sent.length > REMEMBERED) this.#sent.shift();
    this.#cancel = clock.after(resendAfter, () => {
      this.#settle();
      this.next();
    });
    outbox.markSent(inOutbox(changes));
    this.#send({ seq: batch.seq, changes: changes.map(toWire) });
  }

  /**
   * Takes what the cloud acknowledged out of the outbox; an item that changed meanwhile stays in. A batch may be
   * acknowledged in several messages.
   */
  acknowledge({ seq, keys }: Pick<SyncAck, 'seq' | 'keys'>): void {
    const batch = this.#sent.find((each) => each.seq === seq);
    if (!batch) return;
    const named = new Set(keys);
    const changes = batch.changes.filter(({ key }) => named.has(key));
    this.#options.outbox.acknowledge(inOutbox(changes));
    for (const change of changes)
      if (this.#returns.get(change.key) === change) this.#returns.delete(change.key);
    batch.changes = batch.changes.filter(({ key }) => !named.has(key));
    if (changes.length > 0) this.#options.acknowledged(seq, changes);
    // Keys that the cloud left out wait for its next message, or for the resend, so that a cloud that never names one is
    // not asked in a loop.
    if (batch.changes.length > 0) return;
    this.#sent.splice(this.#sent.indexOf(batch), 1);
    if (batch !== this.#current) return;
    this.#settle();
    this.next();
  }

  #settle(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#current = undefined;
  }
}

/** Those that wait in the outbox; an item that is sent back does not. */
function inOutbox(changes: readonly Outgoing[]): Acknowledged[] {
  return changes.flatMap(({ key, version }) => (version === undefined ? [] : [{ key, version }]));
}
