import { randomBytes, timingSafeEqual } from 'node:crypto';
import { Argon2id } from './argon2id.ts';
import { isOldHash, type SignIn, verifyOldHash } from './old-hashes.ts';
import { type Cost, formatPhc, parsePhc } from './phc.ts';

/** OWASP's second recommendation for argon2id: 19 MiB, two passes. */
const USUAL_COST: Cost = { memory: 19_456, passes: 2, parallelism: 1 };
const SALT_LENGTH = 16;
const HASH_LENGTH = 32;
/** Bytes of UTF-8. */
export const LONGEST_PASSWORD = 1024;

export interface Verdict {
  isRight: boolean;
  /** The hash to be kept from now on, where the old one is weaker than what is made today. */
  upgraded?: string;
}

/** Whether this is a hash that passwords can be checked by. */
export function isPasswordHash(text: string): boolean {
  return parsePhc(text) !== undefined || isOldHash(text);
}

export function openPasswords(): Passwords {
  return new Passwords(new Argon2id());
}

/** Makes and checks the hashes of passwords. */
export class Passwords {
  readonly #argon2id: Pick<Argon2id, 'hash'>;
  readonly #cost: Cost;

  constructor(argon2id: Pick<Argon2id, 'hash'>, cost: Cost = USUAL_COST) {
    this.#argon2id = argon2id;
    this.#cost = cost;
  }

  /** @throws WEB_BUSY */
  async hash(password: string): Promise<string> {
    const [salt, cost] = [randomBytes(SALT_LENGTH), this.#cost];
    const hash = await this.#argon2id.hash({ password, salt, cost, length: HASH_LENGTH });
    return formatPhc({ cost, salt, hash });
  }

  /**
   * Whether the password is that of the hash, which is undefined for a user that there is not. Every check costs an argon2id,
   * so that the time does not tell who is there, or whose hash is an old one.
   *
   * @throws WEB_BUSY
   */
  async verify(stored: string | undefined, signIn: SignIn): Promise<Verdict> {
    const { password } = signIn;
    // How long it is, is nobody's secret.
    if (password === '' || Buffer.byteLength(password) > LONGEST_PASSWORD) return { isRight: false };
    const known = stored === undefined ? undefined : parsePhc(stored);
    if (!known) {
      const fresh = await this.hash(password);
      const isRight = stored !== undefined && verifyOldHash(stored, signIn);
      return isRight ? { isRight, upgraded: fresh } : { isRight };
    }
    const { salt, cost, hash } = known;
    const made = await this.#argon2id.hash({ password, salt, cost, length: hash.length });
    const isRight = made.length === hash.length && timingSafeEqual(made, hash);
    const { memory, passes } = this.#cost;
    if (!isRight || (cost.memory >= memory && cost.passes >= passes)) return { isRight };
    // That others wait for theirs keeps nobody out.
    const upgraded = await this.hash(password).catch(() => undefined);
    return upgraded === undefined ? { isRight } : { isRight, upgraded };
  }
}
