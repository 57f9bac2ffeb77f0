import { Deque } from './deque.ts';
import { type HeldBytes, type HeldLimits, uncounted } from './held-bytes.ts';
import {
  type Delivery,
  type DeliveryOutcome,
  detachFromChunk,
  heldSize,
  isExpired,
  messageSize,
} from './message.ts';

/** Where a session's messages go while its client is connected. */
export interface Link {
  /** Unacknowledged QoS 1 and 2 messages that the client takes. */
  readonly window: number;
  /** False while what was sent last has not been taken. */
  ready(): boolean;
  /** False when the client can never take it: it is too large for it. */
  send(delivery: Delivery, dup: boolean): boolean;
  /** PUBREL. */
  release(packetId: number): void;
}

export interface QueueBounds {
  maxQueuedMessages: number;
  maxQueuedBytes: number;
  /** Milliseconds. */
  maxQueuedAge?: number;
}

/** A limit that forbids to take a message. */
export type QueueRefusal = 'maxQueuedMessages' | 'maxQueuedBytes' | keyof HeldLimits;

/** Is told what happens to each message of QoS 1 and 2, so that it can be written down. */
export interface QueueObserver {
  queued(delivery: Delivery): void;
  /** Given its packet identifier. */
  sent(delivery: Delivery): void;
  /** Between PUBREC and PUBCOMP. */
  released(delivery: Delivery): void;
  /** Acknowledged, or dropped. */
  settled(delivery: Delivery): void;
}

export interface QueueOptions {
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** A message was lost after it had been taken: for `limit`, or because it expired or is too large for the client. */
  onLost?: (limit: 'maxQueuedAge' | undefined) => void;
  observer?: QueueObserver;
  /** Where what it holds is counted with what others do; without it nobody counts. */
  held?: HeldBytes;
}

/**
 * The messages for one client: waiting, or sent and not acknowledged. No I/O: it decides what goes to the link, in order,
 * and how much may wait. What was unacknowledged goes again, PUBLISH with DUP or PUBREL, when a new link is attached
 * [MQTT-4.4.0-1] [MQTT-3.3.1-1].
 */
export class OutgoingQueue {
  readonly #bounds: QueueBounds;
  readonly #now: () => number;
  readonly #onLost: (limit: 'maxQueuedAge' | undefined) => void;
  #observer: QueueObserver | undefined;
  readonly #held: HeldBytes;
  readonly #waiting = new Deque<Delivery>();
  #waitingBytes = 0;
  /** By packet identifier, in the order of first sending. */
  readonly #unacknowledged = new Map<number, Delivery>();
  /** Those of them that the present link has not been given yet. */
  #again = new Deque<Delivery>();
  /** How many the present link has been given that are not acknowledged. */
  #inFlight = 0;
  #lastId = 0;
  #lastSequence = 0;
  #link: Link | undefined;

  constructor(bounds: QueueBounds, options: QueueOptions = {}) {
    const { now = () => 0, onLost = () => undefined, observer, held = uncounted() } = options;
    this.#bounds = bounds;
    this.#now = now;
    this.#onLost = onLost;
    this.#observer = observer;
    this.#held = held;
  }

  /** Messages that wait or are not acknowledged. */
  get length(): number {
    return this.#waiting.length + this.#unacknowledged.size;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Sends the message, or lets it wait. Returns the limit that forbids it, and then has not taken it. */
  offer(delivery: Delivery): QueueRefusal | undefined {
    if (this.#waiting.length === 0 && this.#again.length === 0 && this.#mayGo(delivery)) {
      const refusal = this.#refusalToHold(delivery);
      if (refusal) return refusal;
      this.#note(delivery);
      this.#give(delivery);
      return undefined;
    }
    const now = this.#now();
    this.#dropOld(now);
    const { message } = delivery;
    if (this.#waiting.length >= this.#bounds.maxQueuedMessages) return 'maxQueuedMessages';
    if (this.#waitingBytes + messageSize(message) > this.#bounds.maxQueuedBytes) return 'maxQueuedBytes';
    const refusal = this.#held.refusalOf(heldSize(message));
    if (refusal) return refusal;
    detachFromChunk(message);
    delivery.queuedAt = now;
    this.#note(delivery);
    this.#pushWaiting(delivery);
    return undefined;
  }

  /** Takes back what was written down before a restart, in its order; unacknowledged ones have their packet identifier. */
  restore(deliveries: Iterable<Delivery>): void {
    for (const delivery of deliveries) {
      this.#lastSequence = Math.max(this.#lastSequence, delivery.sequence);
      this.#lastId = Math.max(this.#lastId, delivery.packetId);
      if (delivery.packetId > 0) this.#hold(delivery);
      else this.#pushWaiting(delivery);
    }
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
    for (const delivery of this.#unacknowledged.values()) {
      delivery.inFlight = false;
      detachFromChunk(delivery.message);
    }
    this.#again = new Deque();
    this.#inFlight = 0;
  }

  /** Sends what may go now. To be called when the link becomes ready. */
  pump(): void {
    if (this.#again.length > 0 && !this.#sendAgain()) return;
    if (this.#waiting.length === 0) return;
    const now = this.#now();
    for (let next = this.#waiting.first(); next && this.#mayGo(next); next = this.#waiting.first()) {
      this.#shiftWaiting();
      if (!this.#droppedAsOld(next, now)) this.#give(next);
    }
  }

  /** False while some are left that may not go yet. */
  #sendAgain(): boolean {
    for (let next = this.#again.first(); next; next = this.#again.first()) {
      const done = next.inFlight || this.#unacknowledged.get(next.packetId) !== next;
      if (!done && !this.#mayGo(next)) {
        this.#releaseAgain();
        return false;
      }
      this.#again.shift();
      if (done) continue;
      this.#setInFlight(next, true);
      if (next.released) this.#link?.release(next.packetId);
      else if (this.#link?.send(next, true) === false) this.#lose(next);
    }
    return true;
  }

  /** PUBREL does not wait for the window [MQTT5-3.3.4-10]. */
  #releaseAgain(): void {
    if (!this.#link?.ready()) return;
    for (const delivery of this.#again) {
      const { released, inFlight, packetId } = delivery;
      if (!released || inFlight || this.#unacknowledged.get(packetId) !== delivery) continue;
      this.#setInFlight(delivery, true);
      this.#link.release(packetId);
    }
  }

  /** The client's PUBACK; `refused` where it has a reason to. False when nothing with that identifier waits for one. */
  acknowledge(packetId: number, refused = false): boolean {
    const delivery = this.#unacknowledged.get(packetId);
    if (delivery?.qos !== 1) return false;
    this.#finish(delivery, refused ? 'dropped' : 'acknowledged');
    return true;
  }

  /** The client's PUBREC [MQTT-4.3.3-1]. False when nothing with that identifier waits for one. */
  receivedByClient(packetId: number, refused = false): boolean {
    const delivery = this.#unacknowledged.get(packetId);
    if (delivery?.qos !== 2) return false;
    // A refusal ends it [MQTT5-4.4.0-2].
    if (refused && !delivery.released) this.#finish(delivery, 'dropped');
    else {
      if (!delivery.released) {
        delivery.released = true;
        this.#observerOf(delivery)?.released(delivery);
      }
      this.#link?.release(packetId);
    }
    return true;
  }

  /** The client's PUBCOMP. */
  complete(packetId: number): boolean {
    const delivery = this.#unacknowledged.get(packetId);
    if (!delivery?.released) return false;
    this.#finish(delivery, 'acknowledged');
    return true;
  }

  /** Drops everything, and tells only the senders: its session is no more. Returns how many there were. */
  end(): number {
    this.#observer = undefined;
    return this.retainOnly(() => false, 'dropped');
  }

  /** Takes out every message that `keep` does not want; for a session whose subscriptions shrank. */
  retainOnly(keep: (delivery: Delivery) => boolean, outcome: DeliveryOutcome): number {
    const dropped = [...this.#unacknowledged.values()].filter((delivery) => !keep(delivery));
    for (const delivery of dropped) this.#forget(delivery);
    for (const delivery of this.#waiting.drain()) {
      this.#countWaiting(delivery, -1);
      if (keep(delivery)) this.#pushWaiting(delivery);
      else dropped.push(delivery);
    }
    for (const delivery of dropped) {
      this.#observerOf(delivery)?.settled(delivery);
      delivery.settle?.(outcome);
    }
    return dropped.length;
  }

  /** Everything in it, in order; for a store. */
  *all(): Generator<Delivery> {
    yield* this.#unacknowledged.values();
    yield* this.#waiting;
  }

  #note(delivery: Delivery): void {
    this.#lastSequence += 1;
    delivery.sequence = this.#lastSequence;
    this.#observerOf(delivery)?.queued(delivery);
  }

  /** Whom to tell of a message: nobody of those that are not kept over a restart. */
  #observerOf({ qos, message }: Delivery): QueueObserver | undefined {
    return qos === 0 || message.transient ? undefined : this.#observer;
  }

  #mayGo(delivery: Delivery): boolean {
    const link = this.#link;
    return link?.ready() === true && (delivery.qos === 0 || this.#inFlight < link.window);
  }

  /** A client that has acknowledged everything gets what it can take at once, even while others have filled the server. */
  #refusalToHold({ qos, message }: Delivery): keyof HeldLimits | undefined {
    if (qos === 0 || this.#unacknowledged.size === 0) return undefined;
    return this.#held.refusalOf(heldSize(message));
  }

  #give(delivery: Delivery): void {
    if (delivery.qos > 0) {
      delivery.packetId = this.#freeId();
      this.#hold(delivery);
      this.#setInFlight(delivery, true);
      this.#observerOf(delivery)?.sent(delivery);
    }
    if (this.#link?.send(delivery, false) === false) this.#lose(delivery);
    else if (delivery.qos === 0) delivery.settle?.('sent');
  }

  #finish(delivery: Delivery, outcome: DeliveryOutcome): void {
    this.#forget(delivery);
    this.#observerOf(delivery)?.settled(delivery);
    delivery.settle?.(outcome);
    this.pump();
  }

  #hold(delivery: Delivery): void {
    this.#unacknowledged.set(delivery.packetId, delivery);
    this.#held.add(heldSize(delivery.message));
  }

  #forget(delivery: Delivery): void {
    if (this.#unacknowledged.delete(delivery.packetId)) this.#held.remove(heldSize(delivery.message));
    this.#setInFlight(delivery, false);
  }

  #setInFlight(delivery: Delivery, inFlight: boolean): void {
    if ((delivery.inFlight ?? false) === inFlight) return;
    delivery.inFlight = inFlight;
    this.#inFlight += inFlight ? 1 : -1;
  }

  #lose(delivery: Delivery, limit?: 'maxQueuedAge'): void {
    if (delivery.packetId > 0) this.#forget(delivery);
    this.#observerOf(delivery)?.settled(delivery);
    this.#onLost(limit);
    delivery.settle?.('dropped');
  }

  #pushWaiting(delivery: Delivery): void {
    this.#waiting.push(delivery);
    this.#countWaiting(delivery, 1);
  }

  #shiftWaiting(): void {
    const delivery = this.#waiting.shift();
    if (delivery) this.#countWaiting(delivery, -1);
  }

  #countWaiting({ message }: Delivery, by: 1 | -1): void {
    this.#waitingBytes += by * messageSize(message);
    this.#held.add(by * heldSize(message));
  }

  /** They wait in the order of their age, so that the old ones are in front. */
  #dropOld(now: number): void {
    for (let first = this.#waiting.first(); first; first = this.#waiting.first()) {
      if (!this.#droppedAsOld(first, now)) return;
      this.#shiftWaiting();
    }
  }

  #droppedAsOld(delivery: Delivery, now: number): boolean {
    const { maxQueuedAge = Number.POSITIVE_INFINITY } = this.#bounds;
    const old = now - delivery.queuedAt > maxQueuedAge;
    if (!old && !isExpired(delivery.message, now)) return false;
    this.#lose(delivery, old ? 'maxQueuedAge' : undefined);
    return true;
  }

  /** A packet identifier that no unacknowledged message bears [MQTT-2.3.1-4]; windows are far smaller than their number. */
  #freeId(): number {
    do this.#lastId = (this.#lastId % 65_535) + 1;
    while (this.#unacknowledged.has(this.#lastId));
    return this.#lastId;
  }
}
