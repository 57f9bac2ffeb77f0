import { type DeliveryOutcome, type Message, messageSize } from './message.ts';

export interface WaitingMessage {
  message: Message;
  settle: (outcome: DeliveryOutcome) => void;
  /** Cancels the end of its grace. */
  cancel: () => void;
}

/**
 * Messages for a client that is connected and has not subscribed to their topics yet. Old agents publish before they
 * subscribe, and the answer is there before the SUBSCRIBE is.
 */
export class WaitingForSubscription {
  #messages: WaitingMessage[] = [];
  #bytes = 0;

  get length(): number {
    return this.#messages.length;
  }

  /** Bytes of topic and payload. */
  get bytes(): number {
    return this.#bytes;
  }

  add(waiting: WaitingMessage): void {
    this.#messages.push(waiting);
    this.#bytes += messageSize(waiting.message);
  }

  /** The grace of one has ended. */
  expire(waiting: WaitingMessage): void {
    this.#keepOnly((each) => each !== waiting);
    waiting.settle('unsubscribed');
  }

  /** Takes out, in order, those for which `subscribed` says yes. */
  take(subscribed: (topic: string) => boolean): WaitingMessage[] {
    if (this.#messages.length === 0) return [];
    const taken = this.#messages.filter(({ message }) => subscribed(message.topic));
    this.#keepOnly((each) => !taken.includes(each));
    for (const { cancel } of taken) cancel();
    return taken;
  }

  drop(): number {
    const dropped = this.take(() => true);
    for (const { settle } of dropped) settle('dropped');
    return dropped.length;
  }

  #keepOnly(wanted: (waiting: WaitingMessage) => boolean): void {
    this.#messages = this.#messages.filter(wanted);
    this.#bytes = this.#messages.reduce((sum, { message }) => sum + messageSize(message), 0);
  }
}
