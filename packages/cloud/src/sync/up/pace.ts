import type { SyncPace } from '@ioto/protocol';
import type { Clock } from '@ioto/runtime';

/** From when on the cloud is busy, and from when on too busy: milliseconds from a batch's arrival until it is durable… */
const SLOW = { busy: 500, over: 2000 };
/** …or batches that are being applied. */
const MANY = { busy: 200, over: 1000 };
/** What a batch counts for in the mean of the latest. */
const WEIGHT = 0.1;
/** Milliseconds without a batch after which it is forgotten how long they took. */
const STALE = 10_000;
/** Milliseconds that devices are asked to wait, at least and at most. */
const WAIT = { least: 1000, most: 30_000 };
/** How often, in milliseconds, one device is asked for less at most where it can be asked by `mqtt/throttle` only. */
const BETWEEN_THROTTLES = 60_000;
/** Devices of which is remembered when they were asked. */
const REMEMBERED = 10_000;

const PACES: Record<Load, SyncPace> = {
  calm: { window: 4, bytes: 122_880 },
  busy: { window: 1, bytes: 61_440 },
  over: { window: 1, bytes: 30_720 },
};

export type Load = 'calm' | 'busy' | 'over';

export interface PaceOptions {
  clock: Clock;
  /** 0 to 1: that not all devices come back at once. */
  random?(): number;
}

/** How much devices may send, by how long the cloud itself takes to make it durable. */
export class Pace {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #throttled = new Map<string, number>();
  #underWay = 0;
  #latency = 0;
  #latest = 0;

  constructor({ clock, random = Math.random }: PaceOptions) {
    this.#clock = clock;
    this.#random = random;
  }

  /** A batch came in; what is returned is to be called when it is durable, or failed. */
  begin(): () => void {
    const since = this.#clock.now();
    this.#underWay += 1;
    return () => {
      const now = this.#clock.now();
      const before = now - this.#latest > STALE ? 0 : this.#latency;
      this.#underWay -= 1;
      this.#latency = before + (now - since - before) * WEIGHT;
      this.#latest = now;
    };
  }

  get load(): Load {
    const isStale = this.#underWay === 0 && this.#clock.now() - this.#latest > STALE;
    const latency = isStale ? 0 : this.#latency;
    if (latency >= SLOW.over || this.#underWay >= MANY.over) return 'over';
    return latency >= SLOW.busy || this.#underWay >= MANY.busy ? 'busy' : 'calm';
  }

  /** For a device that says it can keep one. */
  now(): SyncPace {
    const { load } = this;
    if (load !== 'over') return PACES[load];
    const wait = Math.min(WAIT.most, Math.max(WAIT.least, this.#latency * 2)) * (0.5 + this.#random());
    return { ...PACES.over, wait: Math.round(wait) };
  }

  /** True when a device that keeps no pace is to be asked for less; then not again for a minute. */
  throttles(deviceId: string): boolean {
    if (this.load !== 'over') return false;
    const now = this.#clock.now();
    const before = this.#throttled.get(deviceId);
    if (before !== undefined && now - before < BETWEEN_THROTTLES) return false;
    if (this.#throttled.size >= REMEMBERED) this.#throttled.clear();
    this.#throttled.set(deviceId, now);
    return true;
  }
}
