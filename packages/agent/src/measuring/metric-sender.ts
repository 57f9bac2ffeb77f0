import { randomInt } from 'node:crypto';
import { type MetricLot, serviceTopic } from '@ioto/protocol';
import type { Clock } from '@ioto/runtime';
import type { ConnectionUser, Owner, Publish } from '../services/mqtt/service.ts';
import { type Lot, lotOf, MetricBuffer, type MetricName } from './metric-buffer.ts';

/** Messages that may wait for their PUBACK; the cloud remembers more numbers than these. */
const MOST_UNDER_WAY = 16;
/** Milliseconds that a stop waits for what is still to go up. */
const LONGEST_DRAIN = 2000;
/** Milliseconds for which nothing is sent on a connection that has refused a message: most often it is ending. */
const REFUSED_PAUSE = 5000;

export interface MetricSenderOptions {
  clock: Clock;
  id: string;
  /** True for a cloud of ours: another is told nothing that its contract does not know. */
  isOurs(): boolean;
}

interface Numbered {
  /** The cloud takes each number of a device in once, so that a lot whose PUBACK was lost can go up again. */
  n: number;
  lot: Lot;
}

/** Sends samples up, and holds them while they cannot go (Ioto contract §7, `metric/set`). */
export class MetricSender implements ConnectionUser {
  readonly #clock: Clock;
  readonly #id: string;
  readonly #isOurs: () => boolean;
  readonly #buffer = new MetricBuffer();
  /** Sent, and nobody knows whether they arrived. */
  #unsure: Numbered[] = [];
  #underWay = 0;
  // At random, so that no number of an earlier run comes again.
  #n = randomInt(1, 2 ** 40);
  #publish: Publish | undefined;
  #pausedUntil = 0;
  /** A message was refused; another connection is tried at once. */
  #refusedUntil = 0;
  #cancel: (() => void) | undefined;
  #accountId: string | undefined;
  #drained: (() => void) | undefined;

  constructor({ clock, id, isOurs }: MetricSenderOptions) {
    this.#clock = clock;
    this.#id = id;
    this.#isOurs = isOurs;
  }

  get lost(): number {
    return this.#buffer.lost;
  }

  /** The device is about to connect as this account's: what was measured for another is not theirs. */
  prepare({ accountId }: Pick<Owner, 'accountId'>): void {
    if (this.#accountId !== undefined && this.#accountId !== accountId) {
      this.#buffer.clear();
      this.#unsure = [];
    }
    this.#accountId = accountId;
  }

  connected(publish: Publish): void {
    this.#publish = publish;
    this.#refusedUntil = 0;
    this.#flush();
  }

  disconnected(): void {
    this.#publish = undefined;
    this.#cancel?.();
  }

  /** Sends nothing for `ms` milliseconds. */
  pause(ms: number): void {
    this.#pausedUntil = this.#clock.now() + ms;
    this.#flush();
  }

  /** @param holdBack Milliseconds for which the sample may wait for others. Never rejects. */
  async set(name: MetricName, value: number, holdBack: number): Promise<'sent' | 'kept'> {
    const now = this.#clock.now();
    if (holdBack === 0 && this.#isFree(now)) {
      const lot = lotOf(name, value, now);
      return (await this.#send(this.#number(lot))) ? 'sent' : 'kept';
    }
    this.#buffer.add(name, value, { now, due: now + holdBack });
    this.#flush();
    return 'kept';
  }

  /** Sends what waits, due or not; resolves when it is gone, or cannot go, or after two seconds. */
  async drain(): Promise<void> {
    if (!this.#publish || (this.#buffer.size === 0 && this.#underWay === 0)) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.after(LONGEST_DRAIN, resolve);
      this.#drained = () => {
        cancel();
        resolve();
      };
      this.#flush();
    });
  }

  #flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const now = this.#clock.now();
    while (this.#isFree(now)) {
      const next = this.#next(now);
      if (!next) break;
      void this.#send(next);
    }
    const cannotGo = !this.#publish || this.#refusedUntil > now;
    if (this.#underWay === 0 && (cannotGo || this.#buffer.size === 0)) this.#drained?.();
    const due = this.#buffer.nextDue();
    // What is due now waits for a message that is under way to end, and that looks again.
    if (!this.#publish || (due === undefined && this.#unsure.length === 0)) return;
    const next = this.#unsure.length > 0 ? 0 : (due ?? 0);
    const wait = Math.max(this.#pausedUntil, this.#refusedUntil, next) - now;
    if (wait > 0) this.#cancel = this.#clock.after(wait, () => this.#flush());
  }

  #isFree(now: number): boolean {
    const isOpen = this.#publish !== undefined && Math.max(this.#pausedUntil, this.#refusedUntil) <= now;
    return isOpen && this.#underWay < MOST_UNDER_WAY;
  }

  #next(now: number): Numbered | undefined {
    const again = this.#unsure.shift();
    if (again) return again;
    const lot = this.#buffer.take(this.#drained ? Number.POSITIVE_INFINITY : now);
    return lot && this.#number(lot);
  }

  #number(lot: Lot): Numbered {
    this.#n += 1;
    return { n: this.#n, lot };
  }

  /** True when the cloud has it. */
  async #send(numbered: Numbered): Promise<boolean> {
    const publish = this.#publish;
    const message = {
      ...contractOf(numbered),
      ...(this.#isOurs() && samplesOf(numbered, this.#clock.now())),
    };
    this.#underWay += 1;
    const accountId = this.#accountId;
    try {
      await publish?.(serviceTopic.metricSet(this.#id), JSON.stringify(message));
      return publish !== undefined;
    } catch {
      // To send it again at once would be refused at once, for ever.
      this.#refusedUntil = this.#clock.now() + REFUSED_PAUSE;
      if (accountId === this.#accountId) this.#unsure.push(numbered);
      return false;
    } finally {
      this.#underWay -= 1;
      this.#flush();
    }
  }
}

/** The contract's message, which has the average of several samples for one. */
function contractOf({ lot }: Numbered): object {
  const { metric, dimensions, count, sum, last } = lot;
  return { metric, value: count > 1 ? sum / count : last, dimensions, buffer: { elapsed: 0 } };
}

/** What a cloud of ours is told besides. */
function samplesOf({ n, lot }: Numbered, now: number): { samples: MetricLot } {
  const { at, count, sum, min, max, last, sketch } = lot;
  const age = Math.floor((now - at) / 1000);
  return {
    samples: { n, ...(age > 0 && { age }), ...(count > 1 && { count, sum, min, max, last, sketch }) },
  };
}
