import { Deque } from '../session/deque.ts';

interface Received {
  settled: boolean;
  /** What follows once it is durable: PUBACK, and the subscribers. */
  follow: (() => void) | undefined;
}

/** What one client published and the embedder has not settled yet. The consequences come in the order of arrival [MQTT-4.6.0-2]. */
export class ReceivedInOrder {
  readonly #list = new Deque<Received>();
  readonly #onFailure: (error: unknown) => void;
  readonly #onSettled: () => void;

  constructor(onFailure: (error: unknown) => void, onSettled: () => void) {
    this.#onFailure = onFailure;
    this.#onSettled = onSettled;
  }

  get pending(): number {
    return this.#list.length;
  }

  /** `follow` is called when `outcome` and all before it are settled; never, when `outcome` rejects. */
  add(outcome: Promise<void> | void, follow: () => void): void {
    if (!outcome && this.#list.length === 0) {
      follow();
      return;
    }
    const received: Received = { settled: !outcome, follow };
    this.#list.push(received);
    outcome?.then(
      () => this.#settle(received),
      (error: unknown) => {
        received.follow = undefined;
        this.#onFailure(error);
        this.#settle(received);
      },
    );
  }

  #settle(received: Received): void {
    received.settled = true;
    for (let first = this.#list.first(); first?.settled; first = this.#list.first()) {
      this.#list.shift();
      first.follow?.();
    }
    this.#onSettled();
  }
}
