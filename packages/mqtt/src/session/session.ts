import type { Qos } from '../codec/packets.ts';
import { matchesTopic } from '../topics/topic-match.ts';
import { type HeldBytes, uncounted } from './held-bytes.ts';
import type { Delivery, Message } from './message.ts';
import {
  type Link,
  OutgoingQueue,
  type QueueBounds,
  type QueueOptions,
  type QueueRefusal,
} from './outgoing-queue.ts';
import { type Grant, mergedGrant, type Subscription } from './subscription.ts';
import { WaitingForSubscription } from './waiting-for-subscription.ts';

export interface SessionFacts {
  clientId: string;
  /** Milliseconds that it outlives its connection; 0 for one that ends with it. */
  expiry: number;
  /** What `hooks.sessionOwner` said when it was made. */
  owner: string | undefined;
  /** What `hooks.sessionGroup` said when it was made. */
  group?: string | undefined;
}

/** A will whose delay runs (5.0, 3.1.3.2.2). */
export interface PendingWill {
  cancel: () => void;
  publish: () => void;
}

/** What the server keeps of one client (3.1.1, 3.1.2.4): its subscriptions and its messages, whether it is connected or not. */
export class Session {
  readonly clientId: string;
  readonly owner: string | undefined;
  readonly group: string | undefined;
  /** Milliseconds that it outlives its connection. */
  expiry: number;
  /** True for one whose changes are written down. */
  readonly journalled: boolean;
  readonly subscriptions = new Map<string, Subscription>();
  readonly queue: OutgoingQueue;
  readonly waiting: WaitingForSubscription;
  /** Where both are counted with what others hold. */
  readonly held: HeldBytes;
  /**
   * QoS 2 messages of the client that it has not released, by packet identifier: a promise until the embedder has settled
   * the message (3.1.1, 4.3.3).
   */
  readonly unreleased = new Map<number, Promise<void> | undefined>();
  /** Cancels the expiry that runs while the client is away. */
  cancelExpiry: (() => void) | undefined;
  pendingWill: PendingWill | undefined;
  /**
   * What `hooks.mayReceive` says of the client, also while it is away, or `hooks.receivesWhileAway` until it comes;
   * undefined where everything may come.
   */
  receives: ((topic: string) => boolean) | undefined;
  #connected = false;

  constructor(
    { clientId, expiry, owner, group }: SessionFacts,
    bounds: QueueBounds,
    options: QueueOptions = {},
  ) {
    const { held = uncounted() } = options;
    this.held = held;
    this.clientId = clientId;
    this.expiry = expiry;
    this.owner = owner;
    this.group = group;
    this.journalled = options.observer !== undefined;
    this.queue = new OutgoingQueue(bounds, { ...options, held });
    this.waiting = new WaitingForSubscription(held);
  }

  get connected(): boolean {
    return this.#connected;
  }

  get persistent(): boolean {
    return this.expiry > 0;
  }

  attach(link: Link): void {
    this.#connected = true;
    this.queue.attach(link);
  }

  detach(): void {
    this.#connected = false;
    this.queue.detach();
  }

  /** What the session's subscriptions to a topic come to, or undefined. */
  grantFor(topic: string): Grant | undefined {
    return mergedGrant(
      [...this.subscriptions.values()].filter(({ topicFilter }) => matchesTopic(topicFilter, topic)),
    );
  }

  /**
   * Queues a message with the lower of its QoS and the subscription's. Returns what forbids it, and then has not taken it:
   * a limit, or `offline` for a message that is not kept for an absent client (QoS 0).
   */
  enqueue(
    message: Message,
    { qos: granted, identifiers }: Grant,
    retain: boolean,
    { settle, shared }: Pick<Delivery, 'settle' | 'shared'> = {},
  ): QueueRefusal | 'offline' | undefined {
    const qos: Qos = message.qos < granted ? message.qos : granted;
    if (qos === 0 && !this.#connected) return 'offline';
    return this.queue.offer({
      message,
      qos,
      retain,
      identifiers,
      packetId: 0,
      queuedAt: 0,
      sequence: 0,
      shared,
      settle,
    });
  }

  /** Ends the session: nothing in it will be delivered. Returns how many messages were lost. */
  end(): number {
    this.cancelExpiry?.();
    this.detach();
    this.unreleased.clear();
    return this.waiting.drop() + this.queue.end();
  }
}
