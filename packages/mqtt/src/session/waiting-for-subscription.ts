import { type HeldBytes, uncounted } from './held-bytes.ts';
import { type DeliveryOutcome, heldSize, type Message, messageSize } from './message.ts';

export interface WaitingMessage {
  message: Message;
  settle: (outcome: DeliveryOutcome) => void;
  /** Cancels the end of its grace. */
  cancel: () => void;
}

/** Bytes of memory that the grace of a message takes: its timer, its promises, its place among the topics. Measured. */
const GRACE_COST = 1600;

/** Bytes of memory that a message takes while it waits for its subscription. */
export function graceSize(message: Message): number {
  return heldSize(message) + GRACE_COST;
}

/**
 * Messages for a client that is connected and has not subscribed to their topics yet. Old agents publish before they
 * subscribe, and the answer is there before the SUBSCRIBE is.
 */
export class WaitingForSubscription {
  readonly #held: HeldBytes;
  /** In the order in which they came. */
  readonly #messages = new Set<WaitingMessage>();
  /** How many wait for each topic: what a SUBSCRIBE has to look at. */
  readonly #topics = new Map<string, number>();
  #bytes = 0;

  constructor(held: HeldBytes = uncounted()) {
    this.#held = held;
  }

  get length(): number {
    return this.#messages.size;
  }

  /** Bytes of topic and payload. */
  get bytes(): number {
    return this.#bytes;
  }

  add(waiting: WaitingMessage): void {
    this.#messages.add(waiting);
    this.#count(waiting, 1);
  }

  /** The grace of one has ended. */
  expire(waiting: WaitingMessage): void {
    if (this.#messages.delete(waiting)) this.#count(waiting, -1);
    waiting.settle('unsubscribed');
  }

  /** Takes out, in order, those for which `subscribed` says yes. */
  take(subscribed: (topic: string) => boolean): WaitingMessage[] {
    const topics = new Set([...this.#topics.keys()].filter(subscribed));
    if (topics.size === 0) return [];
    const taken = [...this.#messages].filter(({ message }) => topics.has(message.topic));
    for (const waiting of taken) {
      waiting.cancel();
      this.#messages.delete(waiting);
      this.#count(waiting, -1);
    }
    return taken;
  }

  drop(): number {
    const dropped = this.take(() => true);
    for (const { settle } of dropped) settle('dropped');
    return dropped.length;
  }

  #count({ message }: WaitingMessage, by: 1 | -1): void {
    this.#bytes += by * messageSize(message);
    this.#held.add(by * graceSize(message));
    const left = (this.#topics.get(message.topic) ?? 0) + by;
    if (left > 0) this.#topics.set(message.topic, left);
    else this.#topics.delete(message.topic);
  }
}
