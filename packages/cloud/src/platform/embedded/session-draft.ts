import type { SessionChange, StoredDelivery, Subscription } from '@ioto/mqtt';
import type { IndexedSession } from './session-index.ts';
import type { Progress, SessionFactsRecord } from './session-records.ts';

/** Changes of one session within one commit, come down to what is left of them. */
export class SessionDraft {
  readonly base: IndexedSession;
  /** True when no record of it was committed before. */
  readonly isNew: boolean;
  facts: SessionFactsRecord | undefined;
  /** By filter; undefined for one that is gone. */
  readonly subscriptions = new Map<string, Subscription | undefined>();
  /** By sequence; undefined for one that is settled. */
  readonly deliveries = new Map<number, StoredDelivery | undefined>();
  /** By sequence, of deliveries that were queued by an earlier commit. */
  readonly progress = new Map<number, Progress>();
  /** By packet identifier; false for one that was released. */
  readonly unreleased = new Map<number, boolean>();

  constructor(base: IndexedSession, isNew: boolean) {
    this.base = base;
    this.isNew = isNew;
  }

  apply(change: SessionChange): void {
    switch (change.type) {
      case 'session':
        this.facts = change;
        return;
      case 'subscribed':
        this.subscriptions.set(change.subscription.filter, change.subscription);
        return;
      case 'unsubscribed':
        this.subscriptions.set(change.filter, undefined);
        return;
      case 'queued':
        this.deliveries.set(change.delivery.sequence, change.delivery);
        this.progress.delete(change.delivery.sequence);
        return;
      case 'sent':
        this.#update(change.sequence, { packetId: change.packetId });
        return;
      case 'released':
        this.#update(change.sequence, { released: true });
        return;
      case 'settled':
        this.deliveries.set(change.sequence, undefined);
        this.progress.delete(change.sequence);
        return;
      case 'received':
        this.unreleased.set(change.packetId, true);
        return;
      case 'receivedReleased':
        this.unreleased.set(change.packetId, false);
    }
  }

  #update(sequence: number, changed: Progress): void {
    const delivery = this.deliveries.get(sequence);
    if (delivery) this.deliveries.set(sequence, { ...delivery, ...changed });
    else if (!this.deliveries.has(sequence)) {
      const before = this.progress.get(sequence) ?? this.base.progress.get(sequence);
      this.progress.set(sequence, { ...before, ...changed });
    }
  }
}
