import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeldByOwners, type HeldBytes, type HeldLimits } from './held-bytes.ts';
import { DELIVERY_COST, type Delivery, heldSize, messageSize } from './message.ts';
import { type Link, OutgoingQueue, type QueueRefusal } from './outgoing-queue.ts';
import { graceSize, WaitingForSubscription } from './waiting-for-subscription.ts';

/** As a message of `bytes` of topic and payload counts. */
const held = (bytes: number) => bytes + DELIVERY_COST;
const MOST = 5 * held(80);
const MOST_OF_OWNER = 3 * held(80);
/** What a message counts beside its bytes while its subscription is awaited. */
const GRACE = graceSize({ topic: '', payload: Buffer.alloc(0), qos: 1, retain: false });
const BOUNDS = { maxQueuedMessages: 20, maxQueuedBytes: 250, maxQueuedAge: 1000 };
/** Whose each session is. */
const OWNERS = ['a', 'a', 'b', undefined];
const SESSIONS = OWNERS.length;

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
  held: HeldBytes;
  queue: OutgoingQueue;
  waiting: WaitingForSubscription;
  link: StubbornLink;
}

/** Some sessions of one server, of several owners, and a clock. */
class Sessions {
  readonly all = new HeldByOwners({ maxQueuedBytesInAll: MOST, maxQueuedBytesOfOwner: MOST_OF_OWNER });
  readonly sessions: Held[] = [];
  now = 1;

  constructor() {
    for (const owner of OWNERS) this.sessions.push(this.#newSession(owner));
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

  /** Another begins in its place. */
  end(index: number): void {
    this.close(index);
    this.sessions[index] = this.#newSession(OWNERS[index]);
  }

  close(index: number): void {
    const { queue, waiting, held: joined } = this.#at(index);
    waiting.drop();
    queue.end();
    this.all.leave(joined);
  }

  /** As a store does: the session that held it is no more, and another takes it up whole. */
  restart(index: number): void {
    const deliveries = [...this.#at(index).queue.all()];
    this.end(index);
    this.#at(index).queue.restore(deliveries);
  }

  /** What the sessions of an owner hold, as they count it. */
  sumOf(owner: string | undefined): number {
    return this.#at(OWNERS.indexOf(owner)).held.sum;
  }

  /** Counted anew, one by one: of an owner, or of all. */
  counted(owner?: string): number {
    let sum = 0;
    for (const [index, { queue, waiting }] of this.sessions.entries()) {
      if (owner !== undefined && OWNERS[index] !== owner) continue;
      sum += waiting.bytes + waiting.length * GRACE;
      for (const { message } of queue.all()) sum += heldSize(message);
    }
    return sum;
  }

  #newSession(owner: string | undefined): Held {
    const joined = this.all.join(owner);
    const options = { now: () => this.now, held: joined };
    return {
      held: joined,
      queue: new OutgoingQueue(BOUNDS, options),
      waiting: new WaitingForSubscription(joined),
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

describe('what sessions hold together', () => {
  it('is the sum of what each holds, to the byte, of all and of each owner, whatever happens to them', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 80 }), (steps) => {
        const sessions = new Sessions();
        for (const step of steps) {
          take(sessions, step);
          expect(sessions.all.sum).toBe(sessions.counted());
          for (const owner of ['a', 'b']) expect(sessions.sumOf(owner)).toBe(sessions.counted(owner));
          expect(sessions.all.owners).toBe(2);
        }
        for (let index = 0; index < SESSIONS; index += 1) sessions.close(index);
        expect(sessions.all.sum).toBe(0);
        expect(sessions.all.owners).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  it('never grows beyond either limit by what would have to wait', () => {
    fc.assert(
      fc.property(fc.array(offer, { maxLength: 60 }), (offers) => {
        const sessions = new Sessions();
        for (const { at: index, qos, size: bytes } of offers) {
          const owner = OWNERS[index];
          const before = { all: sessions.all.sum, own: sessions.sumOf(owner) };
          const refusal = sessions.offer(index, qos, bytes);
          expect(sessions.all.sum).toBeLessThanOrEqual(MOST);
          if (owner) expect(sessions.sumOf(owner)).toBeLessThanOrEqual(MOST_OF_OWNER);
          if (refusal) expect(sessions.all.sum).toBe(before.all);
          const size = held(bytes + 3);
          if (refusal === 'maxQueuedBytesInAll') expect(before.all + size).toBeGreaterThan(MOST);
          if (refusal === 'maxQueuedBytesOfOwner') expect(before.own + size).toBeGreaterThan(MOST_OF_OWNER);
        }
      }),
    );
  });

  it('by one owner leaves the rest to the others', () => {
    const sessions = new Sessions();
    for (let sent = 0; sent < 10; sent += 1) for (const index of [0, 1]) sessions.offer(index, 1, 77);
    expect(sessions.offer(0, 1, 77)).toBe('maxQueuedBytesOfOwner');
    expect(sessions.all.sum).toBe(MOST_OF_OWNER);
    expect(sessions.offer(2, 1, 77)).toBeUndefined();
    expect(sessions.offer(3, 1, 77)).toBeUndefined();
    expect(sessions.offer(3, 1, 77)).toBe('maxQueuedBytesInAll');
    sessions.end(0);
    expect(sessions.offer(1, 1, 77)).toBeUndefined();
  });

  it.each<[keyof HeldLimits, number, number[]]>([
    ['maxQueuedBytesInAll', 3, [0, 2]],
    ['maxQueuedBytesOfOwner', 1, [0]],
  ])(
    'beyond %s still grows by one message for each client that has acknowledged all others',
    (limit, index, fillers) => {
      const sessions = new Sessions();
      for (let sent = 0; sent < 10; sent += 1) for (const filler of fillers) sessions.offer(filler, 1, 77);
      expect(sessions.offer(index, 1, 77)).toBe(limit);
      sessions.move(index, 'attach');
      expect(sessions.offer(index, 1, 77)).toBeUndefined();
      expect(sessions.offer(index, 1, 77)).toBe(limit);
      expect(sessions.offer(index, 0, 77)).toBeUndefined();
      sessions.acknowledge(index, 1);
      expect(sessions.offer(index, 1, 77)).toBeUndefined();
    },
  );

  it('is taken up whole after a restart, even where the limits are lower now', () => {
    const before = new OutgoingQueue(BOUNDS);
    const message = { topic: 'a/b', payload: Buffer.alloc(77), qos: 1 as const, retain: false };
    before.offer({ message, qos: 1, retain: false, packetId: 0, queuedAt: 0, sequence: 0 });
    const all = new HeldByOwners({ maxQueuedBytesInAll: 10, maxQueuedBytesOfOwner: 5 });
    new OutgoingQueue(BOUNDS, { held: all.join('a') }).restore(before.all());
    expect(all.sum).toBe(held(80));
    expect(all.join('a').sum).toBe(held(80));
    expect(all.join('b').sum).toBe(0);
  });
});

describe('a message that is held', () => {
  it('counts with what it takes of memory beside its bytes, in a queue and more while its subscription is awaited', () => {
    const message = { topic: 'a/b', payload: Buffer.alloc(77), qos: 1 as const, retain: false };
    expect(messageSize(message)).toBe(80);
    expect(heldSize(message)).toBe(680);
    expect(heldSize({ ...message, properties: {} })).toBe(980);
    expect(graceSize(message)).toBe(2280);
  });
});
