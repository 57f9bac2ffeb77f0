import type { Clock } from '@ioto/runtime';
import type { Delivery } from './message.ts';
import type { QueueObserver } from './outgoing-queue.ts';
import type { SessionChange, SessionStore } from './session-store.ts';

/** Milliseconds until a commit that failed is tried again. */
const RETRY_AFTER = 1000;

export interface JournalOptions {
  store: SessionStore;
  clock: Clock;
  /** A commit failed; it is tried again, and nothing that waits for it happens before. */
  onFailure: (error: unknown) => void;
}

/**
 * Collects the changes of sessions and commits those of one loop turn, or of one commit's time, together. What a packet
 * promises rests on changes: it waits with `afterCommit`.
 */
export class SessionJournal {
  readonly #store: SessionStore;
  readonly #clock: Clock;
  readonly #onFailure: (error: unknown) => void;
  #changes: SessionChange[] = [];
  /** What waits for `#changes`. */
  #waiting: (() => void)[] = [];
  /** What waits for the commit that is under way. */
  #underWay: (() => void)[] | undefined;
  #scheduled = false;
  #closed = false;

  constructor({ store, clock, onFailure }: JournalOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#onFailure = onFailure;
  }

  record(change: SessionChange): void {
    if (this.#closed) return;
    this.#changes.push(change);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#commit();
    });
  }

  /** Calls `then` when every change that was recorded before is durable: at once where there is none. In order. */
  afterCommit(then: () => void): void {
    if (this.#changes.length > 0) {
      this.#waiting.push(then);
      this.#commit();
    } else if (this.#underWay) this.#underWay.push(then);
    else then();
  }

  /** Resolves when every change that was recorded before is durable. */
  flush(): Promise<void> {
    return new Promise((resolve) => this.afterCommit(resolve));
  }

  /** Nothing is recorded any more: what happens from here on is not a change but the end of the process. */
  close(): void {
    this.#closed = true;
  }

  /** Writes down what happens to one session's messages. */
  observerOf(clientId: string): QueueObserver {
    return {
      queued: (delivery) => this.record({ type: 'queued', clientId, delivery: stored(delivery) }),
      sent: ({ sequence, packetId }) => this.record({ type: 'sent', clientId, sequence, packetId }),
      released: ({ sequence }) => this.record({ type: 'released', clientId, sequence }),
      settled: ({ sequence }) => this.record({ type: 'settled', clientId, sequence }),
    };
  }

  #commit(): void {
    if (this.#underWay || this.#changes.length === 0) return;
    const changes = this.#changes;
    const waiting = this.#waiting;
    this.#changes = [];
    this.#waiting = [];
    this.#underWay = waiting;
    this.#store.commit(changes).then(
      () => {
        this.#underWay = undefined;
        this.#commit();
        for (const then of waiting) then();
      },
      (error: unknown) => {
        this.#onFailure(error);
        this.#clock.after(RETRY_AFTER, () => this.#again(changes, waiting), { unref: true });
      },
    );
  }

  #again(changes: SessionChange[], waiting: (() => void)[]): void {
    this.#changes = [...changes, ...this.#changes];
    this.#waiting = [...waiting, ...this.#waiting];
    this.#underWay = undefined;
    this.#commit();
  }
}

function stored({ sequence, message, qos, retain, identifiers, queuedAt, packetId }: Delivery) {
  return { sequence, message, qos, retain, identifiers, queuedAt, packetId, released: false };
}
