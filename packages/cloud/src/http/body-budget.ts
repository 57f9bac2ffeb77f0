import { CodedError } from '@ioto/runtime';

/** Bytes of bodies that may be on their way, or held by requests that are not answered yet. */
export interface BodyLimits {
  /** Of a caller whose credential is known, however little of it is proven yet. */
  ofCaller: number;
  /** Of a network address, for all that do not say who they are. */
  ofAddress: number;
  /** Of all together. */
  ofAll: number;
}

const COME_BACK = 2000;

/**
 * The memory that bodies may take. One is counted as long as it says that it will be, before its first byte is read: a
 * client that sends most of it and then nothing holds that much, and sends nothing that could be counted.
 */
export class BodyBudget {
  readonly #limits: BodyLimits;
  readonly #held = new Map<string, number>();
  #all = 0;

  constructor(limits: BodyLimits) {
    this.#limits = limits;
  }

  /** Bytes that are counted now. */
  get held(): number {
    return this.#all;
  }

  /**
   * Counts a body until the function that is returned is called, once.
   *
   * @param bytes at most; 0 counts nothing.
   * @throws BODIES_OF_ONE_TOO_LARGE (429) where its sender has too many under way; BODIES_TOO_LARGE (503) where all together have.
   */
  take(by: { caller: string } | { address: string }, bytes: number): () => void {
    const { ofCaller, ofAddress, ofAll } = this.#limits;
    const [key, most] =
      'caller' in by ? [`caller ${by.caller}`, ofCaller] : [`address ${by.address}`, ofAddress];
    const held = this.#held.get(key) ?? 0;
    if (held + bytes > most) {
      const message = `requests under way may have bodies of ${most} bytes together: wait for the answers to some`;
      throw new CodedError('BODIES_OF_ONE_TOO_LARGE', message, {
        ...{ status: 429, retryable: true, retryAfter: COME_BACK },
      });
    }
    if (this.#all + bytes > ofAll) {
      throw new CodedError('BODIES_TOO_LARGE', 'this cloud reads as many bodies as it can hold: come back', {
        ...{ status: 503, retryable: true, retryAfter: COME_BACK },
      });
    }
    this.#held.set(key, held + bytes);
    this.#all += bytes;
    return () => {
      const rest = (this.#held.get(key) ?? 0) - bytes;
      if (rest > 0) this.#held.set(key, rest);
      else this.#held.delete(key);
      this.#all -= bytes;
    };
  }
}
