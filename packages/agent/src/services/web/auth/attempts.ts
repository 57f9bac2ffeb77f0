import { createHash } from 'node:crypto';
import type { Clock } from '@ioto/runtime';
import { webError } from '../errors.ts';
import { networkOf } from '../network.ts';

export interface AttemptLimits {
  /** Wrong passwords of one client within the window. */
  perAddress: number;
  /** Wrong passwords for one user within the window. */
  perUser: number;
  /** Milliseconds. */
  window: number;
}

interface Tally {
  count: number;
  /** Milliseconds since 1970 at which it counts no more. */
  until: number;
}

/** Clients and users that are counted at once; beyond, the oldest are forgotten. */
const MOST_COUNTED = 1000;

/**
 * How often passwords were tried. An attempt counts before it is known to be wrong, so that many at once are no way round;
 * one that was right is given back.
 */
export class Attempts {
  readonly #limits: AttemptLimits;
  readonly #clock: Clock;
  readonly #addresses = new Map<string, Tally>();
  readonly #users = new Map<string, Tally>();

  constructor(limits: AttemptLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Counts one; what it returns takes it back. @throws WEB_ATTEMPTS with the time to wait */
  take(address: string, username: string): () => void {
    const { perAddress, perUser } = this.#limits;
    // As it came it could be of any length, and be kept.
    const user = createHash('sha256').update(username).digest('base64');
    const network = networkOf(address);
    this.#require(this.#addresses, network, perAddress);
    this.#require(this.#users, user, perUser);
    const tallies = [this.#count(this.#addresses, network), this.#count(this.#users, user)];
    return () => {
      for (const tally of tallies) tally.count -= 1;
    };
  }

  #require(tallies: Map<string, Tally>, key: string, limit: number): void {
    const tally = tallies.get(key);
    const wait = tally ? tally.until - this.#clock.now() : 0;
    if (wait <= 0) tallies.delete(key);
    else if (tally && tally.count >= limit) {
      throw webError('WEB_ATTEMPTS', 'too many wrong passwords: wait a while', { retryAfter: wait });
    }
  }

  #count(tallies: Map<string, Tally>, key: string): Tally {
    let tally = tallies.get(key);
    if (!tally) {
      tally = { count: 0, until: this.#clock.now() + this.#limits.window };
      tallies.set(key, tally);
      for (const oldest of tallies.keys()) {
        if (tallies.size <= MOST_COUNTED) break;
        tallies.delete(oldest);
      }
    }
    tally.count += 1;
    return tally;
  }
}
