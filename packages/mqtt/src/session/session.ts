import { matchesTopic } from '../topics/topic-match.ts';
import type { Delivery, Message } from './message.ts';
import { type Link, OutgoingQueue, type QueueBounds } from './outgoing-queue.ts';
import { WaitingForSubscription } from './waiting-for-subscription.ts';

export interface SessionFacts {
  clientId: string;
  /** False for a session that ends with its connection: clean session 1. */
  persistent: boolean;
  /** What `hooks.sessionOwner` said when it was made. */
  owner: string | undefined;
}

/** What the server keeps of one client (3.1.1, 3.1.2.4): its subscriptions and its messages, whether it is connected or not. */
export class Session {
  readonly clientId: string;
  readonly owner: string | undefined;
  readonly persistent: boolean;
  /** Granted QoS by filter. */
  readonly subscriptions = new Map<string, 0 | 1>();
  readonly queue: OutgoingQueue;
  readonly waiting = new WaitingForSubscription();
  /** Cancels the expiry that runs while the client is away. */
  cancelExpiry: (() => void) | undefined;
  #connected = false;

  constructor({ clientId, persistent, owner }: SessionFacts, bounds: QueueBounds) {
    this.clientId = clientId;
    this.persistent = persistent;
    this.owner = owner;
    this.queue = new OutgoingQueue(bounds);
  }

  get connected(): boolean {
    return this.#connected;
  }

  attach(link: Link): void {
    this.#connected = true;
    this.queue.attach(link);
  }

  detach(): void {
    this.#connected = false;
    this.queue.detach();
  }

  /** The highest QoS with which the session subscribes to a topic, or undefined. */
  subscribedQos(topic: string): 0 | 1 | undefined {
    let highest: 0 | 1 | undefined;
    for (const [filter, qos] of this.subscriptions) {
      if ((highest === undefined || qos > highest) && matchesTopic(filter, topic)) highest = qos;
    }
    return highest;
  }

  /**
   * Queues a message with the lower of its QoS and the subscription's. Returns what forbids it, and then has not taken it:
   * a limit, or `offline` for a message that is not kept for an absent client (QoS 0).
   */
  enqueue(
    message: Message,
    granted: 0 | 1,
    settle?: Delivery['settle'],
  ): keyof QueueBounds | 'offline' | undefined {
    const qos = message.qos === 1 && granted === 1 ? 1 : 0;
    if (qos === 0 && !this.#connected) return 'offline';
    return this.queue.offer({ message, qos, packetId: 0, settle });
  }

  /** Ends the session: nothing in it will be delivered. Returns how many messages were lost. */
  end(): number {
    this.cancelExpiry?.();
    this.detach();
    return this.waiting.drop() + this.queue.retainOnly(() => false, 'dropped');
  }
}
