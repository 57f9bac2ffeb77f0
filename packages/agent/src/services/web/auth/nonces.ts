import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '@ioto/runtime';

const TIME_LENGTH = 6;
const RANDOM_LENGTH = 10;
const MAC_LENGTH = 16;
/** How far behind the last one a count may come: requests of several connections overtake each other. */
const BEHIND = 31;

export interface NonceOptions {
  secret: string | Buffer;
  /** Milliseconds that one may be used. */
  life: number;
  /** How many are remembered with their counts. */
  most: number;
  clock: Clock;
}

/**
 * Nonces of digest authentication (RFC 7616 §5.4): they say themselves when they were made, so that nothing is kept of those
 * that nobody answers. Of those that were, the counts are kept, so that no answer counts twice.
 */
export class Nonces {
  readonly #options: NonceOptions;
  readonly #used = new Map<string, { highest: number; behind: number }>();
  /** What was made before may have been used and forgotten, at the latest by the program that ran before. */
  #from: number;

  constructor(options: NonceOptions) {
    this.#options = options;
    this.#from = options.clock.now();
  }

  make(): string {
    const head = Buffer.alloc(TIME_LENGTH);
    head.writeUIntBE(this.#options.clock.now(), 0, TIME_LENGTH);
    const body = Buffer.concat([head, randomBytes(RANDOM_LENGTH)]);
    return Buffer.concat([body, this.#mac(body)]).toString('base64url');
  }

  /** 'stale': was ours, and its time is over; 'foreign': never was. */
  check(nonce: string): 'fresh' | 'stale' | 'foreign' {
    const made = this.#timeOf(nonce);
    if (made === undefined) return 'foreign';
    const age = this.#options.clock.now() - made;
    return made < this.#from || age < 0 || age >= this.#options.life ? 'stale' : 'fresh';
  }

  /** Whether this count of a fresh nonce has not been there yet; from then on it has. */
  use(nonce: string, count: number): boolean {
    const known = this.#used.get(nonce);
    if (!known) {
      this.#used.set(nonce, { highest: count, behind: 1 });
      this.#forget();
      return true;
    }
    const ahead = count - known.highest;
    if (ahead > 0) {
      known.behind = ahead > BEHIND ? 1 : (known.behind << ahead) | 1;
      known.highest = count;
      return true;
    }
    const bit = 1 << -ahead;
    if (-ahead > BEHIND || (known.behind & bit) !== 0) return false;
    known.behind |= bit;
    return true;
  }

  #forget(): void {
    for (const nonce of this.#used.keys()) {
      const made = this.#timeOf(nonce) ?? 0;
      const isOver = this.#options.clock.now() - made >= this.#options.life;
      if (!isOver && this.#used.size <= this.#options.most) return;
      this.#used.delete(nonce);
      if (!isOver) this.#from = Math.max(this.#from, made + 1);
    }
  }

  #timeOf(nonce: string): number | undefined {
    const bytes = Buffer.from(nonce, 'base64url');
    if (bytes.length !== TIME_LENGTH + RANDOM_LENGTH + MAC_LENGTH) return undefined;
    const body = bytes.subarray(0, -MAC_LENGTH);
    // Whatever else decodes to the same bytes is another text, and would be counted anew.
    if (bytes.toString('base64url') !== nonce) return undefined;
    if (!timingSafeEqual(this.#mac(body), bytes.subarray(-MAC_LENGTH))) return undefined;
    return body.readUIntBE(0, TIME_LENGTH);
  }

  #mac(body: Buffer): Buffer {
    return createHmac('sha256', this.#options.secret).update(body).digest().subarray(0, MAC_LENGTH);
  }
}
