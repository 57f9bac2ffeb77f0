import { type Clock, CodedError } from '@ioto/runtime';
import { addressKey } from './address-key.ts';
import { type BucketRule, TokenBuckets } from './token-bucket.ts';

/** Whose guess it is: a limit holds for each of them, and one for all together. */
export interface Guesser {
  /** The account that tries to claim, or the login name that is tried. */
  account: string;
  /** The address that the request came from. */
  address: string;
}

export interface GuessRules {
  account: BucketRule;
  address: BucketRule;
  total: BucketRule;
}

const HOUR = 3_600_000;

/** Failed claims allowed: a person who mistypes never meets them, a program that searches 50 bits does at once. */
export const claimGuessRules: GuessRules = {
  account: { burst: 20, period: HOUR },
  address: { burst: 40, period: HOUR },
  total: { burst: 1000, period: HOUR },
};

/**
 * Claims in advance allowed: whichever ID they name, they succeed, so that without a limit they would be guesses for free,
 * and take IDs away from the owners of devices yet to come. A truckload passes.
 */
export const preclaimRules: GuessRules = {
  account: { burst: 1000, period: 24 * HOUR },
  address: { burst: 2000, period: 24 * HOUR },
  total: { burst: 20_000, period: 24 * HOUR },
};

/** Failed logins allowed. */
export const loginGuessRules: GuessRules = {
  account: { burst: 10, period: HOUR / 4 },
  address: { burst: 50, period: HOUR / 4 },
  total: { burst: 2000, period: HOUR / 4 },
};

/** An attempt that was let through; it counts as a miss unless it turns out right. */
export interface Guess {
  /** Gives the attempt back: those who guess right pay nothing. */
  right(): void;
}

/** Limits failed guesses of a secret per account, per address and in total. */
export class GuessLimiter {
  readonly #buckets: Record<keyof GuessRules, TokenBuckets>;

  constructor(options: { clock: Clock; rules: GuessRules }) {
    const { clock, rules } = options;
    this.#buckets = {
      account: new TokenBuckets({ clock, rule: rules.account }),
      address: new TokenBuckets({ clock, rule: rules.address }),
      total: new TokenBuckets({ clock, rule: rules.total, maxKeys: 1 }),
    };
  }

  /**
   * Counts an attempt before it is looked at, so that a thousand at once are limited like a thousand in turn.
   *
   * @throws GUESSES_EXCEEDED (429) with `retryAfter` and, in `details.limit`, which limit it is.
   */
  admit(guesser: Guesser): Guess {
    const keys = keysOf(guesser);
    for (const [limit, key] of keys) {
      const wait = this.#buckets[limit].untilFree(key);
      if (wait > 0) throw exceeded(limit, wait);
    }
    for (const [limit, key] of keys) this.#buckets[limit].take(key);
    let open = true;
    return {
      right: () => {
        if (open) for (const [limit, key] of keys) this.#buckets[limit].give(key);
        open = false;
      },
    };
  }
}

function keysOf({ account, address }: Guesser): [keyof GuessRules, string][] {
  return [
    ['account', account],
    ['address', addressKey(address)],
    ['total', 'all'],
  ];
}

function exceeded(limit: keyof GuessRules, wait: number): CodedError {
  const where = { account: 'for this account', address: 'from this address', total: 'in all' }[limit];
  return new CodedError(
    'GUESSES_EXCEEDED',
    `too many failed attempts ${where}: try again in ${Math.ceil(wait / 1000)} seconds`,
    { status: 429, retryable: true, retryAfter: wait, details: { limit } },
  );
}
