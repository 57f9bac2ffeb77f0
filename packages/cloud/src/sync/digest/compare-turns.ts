import type { Clock } from '@ioto/runtime';
import { Slots } from '../../limits/slots.ts';
import { TokenBuckets } from '../../limits/token-bucket.ts';

/** Tables that are read at once, of all devices. */
const MOST_AT_ONCE = 2;
/** Questions that wait for their turn, each with up to 64 KB of digests; the next are asked to come again. */
const MOST_WAITING = 64;
/** Of these, of one device: an agent asks one after the other, and nobody is to take the places of all others. */
const MOST_OF_DEVICE = 4;
/** Seconds until they do. */
const LATER = 10;
const MINUTE = 60_000;

export interface Later {
  readonly retryAfter: number;
}

export interface TurnOptions {
  /** It waits for the device more than it works: others need not wait for it. */
  isSlow?: boolean;
}

/** Keeps what devices compare within what the cloud can bear: one question of a device at a time, and so many a minute. */
export class CompareTurns {
  readonly #questions: TokenBuckets;
  readonly #fetches: TokenBuckets;
  readonly #ofDevice = new Slots(1);
  readonly #ofAll = new Slots(MOST_AT_ONCE);
  #waiting = 0;
  readonly #waitingOf = new Map<string, number>();

  constructor({ clock }: { clock: Clock }) {
    this.#questions = new TokenBuckets({ clock, rule: { burst: 20, period: MINUTE } });
    this.#fetches = new TokenBuckets({ clock, rule: { burst: 60, period: MINUTE } });
  }

  /** Does the work when its turn has come; at once says when to ask again where there is none. */
  async take<T>(deviceId: string, work: () => Promise<T>, { isSlow }: TurnOptions = {}): Promise<T | Later> {
    const wait = (isSlow ? this.#fetches : this.#questions).take(deviceId);
    if (wait > 0) return { retryAfter: Math.ceil(wait / 1000) };
    const ofDevice = this.#waitingOf.get(deviceId) ?? 0;
    if (this.#waiting >= MOST_WAITING || ofDevice >= MOST_OF_DEVICE) return { retryAfter: LATER };
    this.#count(deviceId, 1);
    const leave = await this.#enter(deviceId, isSlow).finally(() => this.#count(deviceId, -1));
    try {
      return await work();
    } finally {
      leave();
    }
  }

  #count(deviceId: string, more: 1 | -1): void {
    this.#waiting += more;
    const ofDevice = (this.#waitingOf.get(deviceId) ?? 0) + more;
    if (ofDevice > 0) this.#waitingOf.set(deviceId, ofDevice);
    else this.#waitingOf.delete(deviceId);
  }

  async #enter(deviceId: string, isSlow?: boolean): Promise<() => void> {
    const leaveOwn = await this.#ofDevice.enter(deviceId);
    if (isSlow) return leaveOwn;
    const leaveAll = await this.#ofAll.enter('all');
    return () => {
      leaveAll();
      leaveOwn();
    };
  }
}
