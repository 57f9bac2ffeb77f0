import { Deque } from './deque.ts';
import { type Delivery, type DeliveryOutcome, messageSize, ownBytes } from './message.ts';

/** Where a session's messages go while its client is connected. */
export interface Link {
  /** Unacknowledged QoS 1 messages that the client takes. */
  readonly window: number;
  /** False while what was sent last has not been taken. */
  ready(): boolean;
  send(delivery: Delivery, dup: boolean): void;
}

export interface QueueBounds {
  maxQueuedMessages: number;
  maxQueuedBytes: number;
}

/**
 * The messages for one client: waiting, or sent with QoS 1 and not acknowledged. No I/O: it decides what goes to the
 * link, in order, and how much may wait. What was unacknowledged goes again, with DUP, when a new link is attached
 * [MQTT-4.4.0-1] [MQTT-3.3.1-1].
 */
export class OutgoingQueue {
  readonly #bounds: QueueBounds;
  readonly #waiting = new Deque<Delivery>();
  #waitingBytes = 0;
  /** By packet identifier, in the order of first sending. */
  readonly #unacknowledged = new Map<number, Delivery>();
  /** Those of them that the present link has not been given yet. */
  #again = new Deque<Delivery>();
  /** QoS 1 messages that the present link has been given and that are not acknowledged. */
  readonly #inFlight = new Set<number>();
  #lastId = 0;
  #link: Link | undefined;

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds;
  }

  /** Messages that wait or are not acknowledged. */
  get length(): number {
    return this.#waiting.length + this.#unacknowledged.size;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Sends the message, or lets it wait. Returns the limit that forbids it, and then has not taken it. */
  offer(delivery: Delivery): keyof QueueBounds | undefined {
    if (this.#waiting.length === 0 && this.#again.length === 0 && this.#mayGo(delivery)) {
      this.#give(delivery);
      return undefined;
    }
    const bytes = messageSize(delivery.message);
    if (this.#waiting.length >= this.#bounds.maxQueuedMessages) return 'maxQueuedMessages';
    if (this.#waitingBytes + bytes > this.#bounds.maxQueuedBytes) return 'maxQueuedBytes';
    delivery.message.payload = ownBytes(delivery.message.payload);
    this.#waiting.push(delivery);
    this.#waitingBytes += bytes;
    return undefined;
  }

  /** From now on messages go to `link`; first those again that an earlier link was given in vain. */
  attach(link: Link): void {
    this.detach();
    this.#link = link;
    for (const delivery of this.#unacknowledged.values()) this.#again.push(delivery);
    this.pump();
  }

  detach(): void {
    this.#link = undefined;
    for (const { message } of this.#unacknowledged.values()) message.payload = ownBytes(message.payload);
    this.#again = new Deque();
    this.#inFlight.clear();
  }

  /** Sends what may go now. To be called when the link becomes ready. */
  pump(): void {
    for (let next = this.#again.first(); next; next = this.#again.first()) {
      const acknowledged = this.#unacknowledged.get(next.packetId) !== next;
      if (!acknowledged && !this.#mayGo(next)) return;
      this.#again.shift();
      if (acknowledged) continue;
      this.#inFlight.add(next.packetId);
      this.#link?.send(next, true);
    }
    for (let next = this.#waiting.first(); next && this.#mayGo(next); next = this.#waiting.first()) {
      this.#waiting.shift();
      this.#waitingBytes -= messageSize(next.message);
      this.#give(next);
    }
  }

  /** The client's PUBACK. False when nothing with that identifier waits for one. */
  acknowledge(packetId: number): boolean {
    const delivery = this.#unacknowledged.get(packetId);
    if (!delivery) return false;
    this.#unacknowledged.delete(packetId);
    this.#inFlight.delete(packetId);
    delivery.settle?.('acknowledged');
    this.pump();
    return true;
  }

  /** Takes out every message that `keep` does not want; for a session whose subscriptions shrank. */
  retainOnly(keep: (delivery: Delivery) => boolean, outcome: DeliveryOutcome): number {
    const dropped = [...this.#unacknowledged.values()].filter((delivery) => !keep(delivery));
    for (const { packetId } of dropped) {
      this.#unacknowledged.delete(packetId);
      this.#inFlight.delete(packetId);
    }
    this.#waitingBytes = 0;
    for (const delivery of this.#waiting.drain()) {
      if (keep(delivery)) {
        this.#waiting.push(delivery);
        this.#waitingBytes += messageSize(delivery.message);
      } else dropped.push(delivery);
    }
    for (const delivery of dropped) delivery.settle?.(outcome);
    return dropped.length;
  }

  #mayGo(delivery: Delivery): boolean {
    const link = this.#link;
    return link?.ready() === true && (delivery.qos === 0 || this.#inFlight.size < link.window);
  }

  #give(delivery: Delivery): void {
    if (delivery.qos === 1) {
      delivery.packetId = this.#freeId();
      this.#unacknowledged.set(delivery.packetId, delivery);
      this.#inFlight.add(delivery.packetId);
    }
    this.#link?.send(delivery, false);
    if (delivery.qos === 0) delivery.settle?.('sent');
  }

  /** A packet identifier that no unacknowledged message bears [MQTT-2.3.1-2]; windows are far smaller than their number. */
  #freeId(): number {
    do this.#lastId = (this.#lastId % 65_535) + 1;
    while (this.#unacknowledged.has(this.#lastId));
    return this.#lastId;
  }
}
