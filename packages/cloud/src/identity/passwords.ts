import { CodedError } from '@ioto/runtime';
import { type Algorithm, hash, verify } from '@node-rs/argon2';

export const PASSWORD_LENGTH = { min: 8, max: 256 } as const;

/** OWASP's second recommendation for argon2id: 19 MiB, two passes. */
const COST = { algorithm: 2 satisfies Algorithm, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Hashes at once: each takes memory and a thread, and strangers choose when. */
const AT_ONCE = 2;

/** Hashes and checks passwords with argon2id, a few at a time. */
export class Passwords {
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #decoy: Promise<string> | undefined;

  /** @throws PASSWORD_UNSUITABLE (400) outside 8 to 256 characters. */
  async hash(password: string): Promise<string> {
    if (password.length < PASSWORD_LENGTH.min || password.length > PASSWORD_LENGTH.max) {
      throw new CodedError(
        'PASSWORD_UNSUITABLE',
        `a password has ${PASSWORD_LENGTH.min} to ${PASSWORD_LENGTH.max} characters`,
        { status: 400 },
      );
    }
    return this.#inTurn(() => hash(password, COST));
  }

  /** Takes as long for a user that does not exist (no hash) as for one that does. */
  async verify(password: string, hashed: string | undefined): Promise<boolean> {
    this.#decoy ??= this.#inTurn(() => hash('nobody has this password', COST));
    const against = hashed ?? (await this.#decoy);
    const right = await this.#inTurn(() => verify(against, password));
    return right && hashed !== undefined;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await work();
    } finally {
      // The slot is handed over rather than given up, so that nobody can slip in between.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}
