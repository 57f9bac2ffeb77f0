import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeldBytes } from './held-bytes.ts';
import { type Delivery, messageSize } from './message.ts';
import { type Link, OutgoingQueue, type QueueRefusal } from './outgoing-queue.ts';
import { WaitingForSubscription } from './waiting-for-subscription.ts';

const MOST = 400;
const BOUNDS = { maxQueuedMessages: 20, maxQueuedBytes: 250, maxQueuedAge: 1000 };
const SESSIONS = 3;

/** A link that may be stuck, and that cannot take large messages. */
class StubbornLink implements Link {
  readonly window = 3;
  stuck = false;
  ready(): boolean {
    return !this.stuck;
  }
  send({ message }: Delivery): boolean {
    return message.payload.length < 90;
  }
  release(): void {}
}

interface Held {
  queue: OutgoingQueue;
  waiting: WaitingForSubscription;
  link: StubbornLink;
}

/** Some sessions of one server, and a clock. */
class Sessions {
  readonly inAll = new HeldBytes(MOST);
  readonly sessions: Held[] = [];
  now = 1;

  constructor() {
    for (let index = 0; index < SESSIONS; index += 1) this.sessions.push(this.#newSession());
  }

  offer(index: number, qos: 0 | 1 | 2, size: number, expiry?: number): QueueRefusal | undefined {
    return this.#at(index).queue.offer(this.#delivery(qos, size, expiry));
  }

  hold(index: number, size: number): void {
    const { message } = this.#delivery(1, size);
    this.#at(index).waiting.add({ message, settle: () => undefined, cancel: () => undefined });
  }

  subscribe(index: number): void {
    const { queue, waiting } = this.#at(index);
    for (const { message } of waiting.take(({ length }) => length > 0))
      queue.offer({ ...this.#delivery(1, 0), message });
  }

  acknowledge(index: number, packetId: number): void {
    const { queue } = this.#at(index);
    if (queue.acknowledge(packetId)) return;
    queue.receivedByClient(packetId);
    queue.complete(packetId);
  }

  move(index: number, what: 'attach' | 'detach' | 'stick' | 'unstick' | 'shrink'): void {
    const { queue, link } = this.#at(index);
    if (what === 'attach') queue.attach(link);
    else if (what === 'detach') queue.detach();
    else if (what === 'shrink') queue.retainOnly(({ sequence }) => sequence % 2 === 0, 'dropped');
    else {
      link.stuck = what === 'stick';
      queue.pump();
    }
  }

  end(index: number): void {
    const { queue, waiting } = this.#at(index);
    waiting.drop();
    queue.end();
  }

  /** As a store does: the session that held it is no more, and another takes it up whole. */
  restart(index: number): void {
    const deliveries = [...this.#at(index).queue.all()];
    this.end(index);
    this.sessions[index] = this.#newSession();
    this.#at(index).queue.restore(deliveries);
  }

  /** Counted anew, one by one. */
  get counted(): number {
    let sum = 0;
    for (const { queue, waiting } of this.sessions) {
      sum += waiting.bytes;
      for (const { message } of queue.all()) sum += messageSize(message);
    }
    return sum;
  }

  #newSession(): Held {
    const options = { now: () => this.now, inAll: this.inAll };
    return {
      queue: new OutgoingQueue(BOUNDS, options),
      waiting: new WaitingForSubscription(this.inAll),
      link: new StubbornLink(),
    };
  }

  #at(index: number): Held {
    return this.sessions[index] as Held;
  }

  #delivery(qos: 0 | 1 | 2, size: number, expiry?: number): Delivery {
    const expiresAt = expiry === undefined ? undefined : this.now + expiry;
    const message = { topic: 'a/b', payload: Buffer.alloc(size), qos, retain: false, expiresAt };
    return { message, qos, retain: false, packetId: 0, queuedAt: 0, sequence: 0 };
  }
}

type Move = 'attach' | 'detach' | 'stick' | 'unstick' | 'shrink';
type Step =
  | { do: 'offer'; at: number; qos: 0 | 1 | 2; size: number; expiry: number | undefined }
  | { do: 'acknowledge'; at: number; packetId: number }
  | { do: 'move'; at: number; what: Move }
  | { do: 'hold'; at: number; size: number }
  | { do: 'subscribe' | 'end' | 'restart'; at: number }
  | { do: 'wait'; ms: number };

const at = fc.nat({ max: SESSIONS - 1 });
const size = fc.nat({ max: 100 });
const offer = fc.record({
  do: fc.constant('offer' as const),
  at,
  qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
  size,
  expiry: fc.option(fc.nat({ max: 500 }), { nil: undefined }),
});
const acknowledge = fc.record({
  do: fc.constant('acknowledge' as const),
  at,
  packetId: fc.integer({ min: 1, max: 8 }),
});
const move = fc.record({
  do: fc.constant('move' as const),
  at,
  what: fc.constantFrom<Move>('attach', 'detach', 'stick', 'unstick', 'shrink'),
});
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: offer },
  { weight: 3, arbitrary: acknowledge },
  { weight: 3, arbitrary: move },
  fc.record({ do: fc.constant('hold' as const), at, size }),
  fc.record({ do: fc.constantFrom('subscribe' as const, 'end' as const, 'restart' as const), at }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.nat({ max: 700 }) }),
);

function take(sessions: Sessions, step: Step): void {
  if (step.do === 'offer') sessions.offer(step.at, step.qos, step.size, step.expiry);
  else if (step.do === 'acknowledge') sessions.acknowledge(step.at, step.packetId);
  else if (step.do === 'move') sessions.move(step.at, step.what);
  else if (step.do === 'hold') sessions.hold(step.at, step.size);
  else if (step.do === 'wait') sessions.now += step.ms;
  else sessions[step.do](step.at);
}

describe('what all sessions hold together', () => {
  it('is the sum of what each holds, to the byte, whatever happens to them', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 80 }), (steps) => {
        const sessions = new Sessions();
        for (const step of steps) {
          take(sessions, step);
          expect(sessions.inAll.sum).toBe(sessions.counted);
        }
        for (let index = 0; index < SESSIONS; index += 1) sessions.end(index);
        expect(sessions.inAll.sum).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  it('never grows beyond the limit by what would have to wait', () => {
    fc.assert(
      fc.property(fc.array(offer, { maxLength: 60 }), (offers) => {
        const sessions = new Sessions();
        for (const { at: index, qos, size: bytes } of offers) {
          const before = sessions.inAll.sum;
          const refusal = sessions.offer(index, qos, bytes);
          expect(sessions.inAll.sum).toBeLessThanOrEqual(MOST);
          if (refusal) expect(sessions.inAll.sum).toBe(before);
          if (refusal === 'maxQueuedBytesInAll') expect(before + bytes + 3).toBeGreaterThan(MOST);
        }
      }),
    );
  });

  it('beyond the limit still grows by one message for each client that has acknowledged all others', () => {
    const sessions = new Sessions();
    for (let sent = 0; sent < 10; sent += 1) for (const index of [0, 1]) sessions.offer(index, 1, 77);
    expect(sessions.inAll.sum).toBe(MOST);
    sessions.move(2, 'attach');
    expect(sessions.offer(2, 1, 77)).toBeUndefined();
    expect(sessions.offer(2, 1, 77)).toBe('maxQueuedBytesInAll');
    expect(sessions.offer(2, 0, 77)).toBeUndefined();
    sessions.acknowledge(2, 1);
    expect(sessions.offer(2, 1, 77)).toBeUndefined();
  });

  it('is taken up whole after a restart, even where the limit is lower now', () => {
    const before = new OutgoingQueue(BOUNDS);
    const message = { topic: 'a/b', payload: Buffer.alloc(77), qos: 1 as const, retain: false };
    before.offer({ message, qos: 1, retain: false, packetId: 0, queuedAt: 0, sequence: 0 });
    const inAll = new HeldBytes(10);
    new OutgoingQueue(BOUNDS, { inAll }).restore(before.all());
    expect(inAll.sum).toBe(80);
  });
});
