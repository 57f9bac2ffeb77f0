import { type Clock, CodedError } from '@ioto/runtime';
import { addressKey } from '../../limits/address-key.ts';
import { type BucketRule, TokenBuckets } from '../../limits/token-bucket.ts';

/** Devices that may register for the first time: a production line passes, who makes devices up does not fill the disk. */
const NEWCOMERS: BucketRule = { burst: 20_000, period: 3_600_000 };

/** Milliseconds that a device stays away at least when there were too many: all of them come back. */
const STAY_AWAY = 60_000;

/** Limits registrations of claim IDs that the builder has never heard of, per address and per token of a product. */
export class NewcomerLimit {
  readonly #addresses: TokenBuckets;
  readonly #tokens: TokenBuckets;

  constructor({ clock, rule = NEWCOMERS }: { clock: Clock; rule?: BucketRule }) {
    this.#addresses = new TokenBuckets({ clock, rule });
    this.#tokens = new TokenBuckets({ clock, rule });
  }

  /** @throws NEWCOMERS_EXCEEDED (429) with `retryAfter`; then it is not counted. */
  admit(address: string, token: string): void {
    const network = addressKey(address);
    const wait = Math.max(this.#addresses.untilFree(network), this.#tokens.untilFree(token));
    if (wait > 0) {
      throw new CodedError('NEWCOMERS_EXCEEDED', 'too many new devices register at once: try again later', {
        status: 429,
        retryable: true,
        retryAfter: Math.max(wait, STAY_AWAY),
      });
    }
    this.#addresses.take(network);
    this.#tokens.take(token);
  }
}
