import { detachFromChunk, type Message } from './message.ts';
import type {
  SessionChange,
  SessionStore,
  StoredDelivery,
  StoredSession,
  StoredState,
} from './session-store.ts';
import type { Subscription } from './subscription.ts';

interface Held {
  facts: Pick<StoredSession, 'clientId' | 'owner' | 'expiry' | 'expiresAt'>;
  subscriptions: Map<string, Subscription>;
  deliveries: Map<number, StoredDelivery>;
  unreleased: Set<number>;
}

/** Outlives a server, not the process; and says in few lines what each change means. */
export class MemorySessionStore implements SessionStore {
  readonly #sessions = new Map<string, Held>();
  readonly #retained = new Map<string, Message>();

  async load(): Promise<StoredState> {
    const sessions = [...this.#sessions.values()].map(
      ({ facts, subscriptions, deliveries, unreleased }): StoredSession => ({
        ...facts,
        subscriptions: [...subscriptions.values()],
        deliveries: [...deliveries.values()].map((each) => ({ ...each, message: { ...each.message } })),
        unreleased: [...unreleased],
      }),
    );
    return { sessions, retained: [...this.#retained.values()] };
  }

  async commit(changes: readonly SessionChange[]): Promise<void> {
    for (const change of changes) this.#apply(change);
  }

  #apply(change: SessionChange): void {
    if (change.type === 'retained') this.#retained.set(change.message.topic, ownCopy(change.message));
    else if (change.type === 'forgotten') this.#retained.delete(change.topic);
    else if (change.type === 'session') this.#keep(change);
    else if (change.type === 'sessionEnded') this.#sessions.delete(change.clientId);
    else {
      const held = this.#sessions.get(change.clientId);
      if (held) applyTo(held, change);
    }
  }

  #keep({ clientId, owner, expiry, expiresAt }: Extract<SessionChange, { type: 'session' }>): void {
    const facts = { clientId, owner, expiry, expiresAt };
    const held = this.#sessions.get(clientId);
    if (held) held.facts = facts;
    else {
      const empty = { subscriptions: new Map(), deliveries: new Map(), unreleased: new Set<number>() };
      this.#sessions.set(clientId, { facts, ...empty });
    }
  }
}

function applyTo({ subscriptions, deliveries, unreleased }: Held, change: SessionChange): void {
  switch (change.type) {
    case 'subscribed':
      subscriptions.set(change.subscription.filter, change.subscription);
      return;
    case 'unsubscribed':
      subscriptions.delete(change.filter);
      return;
    case 'queued':
      deliveries.set(change.delivery.sequence, {
        ...change.delivery,
        message: ownCopy(change.delivery.message),
      });
      return;
    case 'sent':
      update(deliveries, change.sequence, { packetId: change.packetId });
      return;
    case 'released':
      update(deliveries, change.sequence, { released: true });
      return;
    case 'settled':
      deliveries.delete(change.sequence);
      return;
    case 'received':
      unreleased.add(change.packetId);
      return;
    case 'receivedReleased':
      unreleased.delete(change.packetId);
  }
}

function update(deliveries: Held['deliveries'], sequence: number, changed: Partial<StoredDelivery>): void {
  const delivery = deliveries.get(sequence);
  if (delivery) deliveries.set(sequence, { ...delivery, ...changed });
}

function ownCopy(message: Message): Message {
  const copy = { ...message, topicBytes: undefined };
  detachFromChunk(copy);
  return copy;
}
