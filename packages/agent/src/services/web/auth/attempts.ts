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

/** One password that is being tried. */
export interface Attempt {
  /** Nobody knows whether it was right: it does not count. */
  takeBack(): void;
  /** It does not count, and the client is known to be the user's. */
  wasRight(): void;
}

/**
 * How often passwords were tried. An attempt counts before it is known to be wrong, so that many at once are no way round;
 * one that was right is given back. A client from which a user has signed in is counted by its address alone: else strangers
 * could keep the owner out for as long as they like to try.
 */
export class Attempts {
  readonly #limits: AttemptLimits;
  readonly #clock: Clock;
  readonly #addresses = new Map<string, Tally>();
  readonly #users = new Map<string, Tally>();
  /** Clients with a user that has signed in from there. */
  readonly #known = new Set<string>();

  constructor(limits: AttemptLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Counts one. @throws WEB_ATTEMPTS with the time to wait */
  take(address: string, username: string): Attempt {
    const { perAddress, perUser } = this.#limits;
    // As it came it could be of any length, and be kept.
    const user = createHash('sha256').update(username).digest('base64');
    const network = networkOf(address);
    const pair = `${network} ${user}`;
    const isKnown = this.#known.has(pair);
    this.#require(this.#addresses, network, perAddress);
    if (!isKnown) this.#require(this.#users, user, perUser);
    const tallies = [this.#count(this.#addresses, network)];
    if (!isKnown) tallies.push(this.#count(this.#users, user));
    const takeBack = () => {
      for (const tally of tallies) tally.count -= 1;
    };
    return {
      takeBack,
      wasRight: () => {
        takeBack();
        this.#remember(pair);
      },
    };
  }

  #remember(pair: string): void {
    // Those that came back last stand last.
    this.#known.delete(pair);
    this.#known.add(pair);
    const [oldest] = this.#known;
    if (this.#known.size > MOST_COUNTED && oldest !== undefined) this.#known.delete(oldest);
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
