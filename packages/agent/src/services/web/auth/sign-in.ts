import type { Passwords } from '../passwords/password.ts';
import type { WebContext } from '../web-context.ts';
import { Attempts } from './attempts.ts';
import { Failures } from './failures.ts';
import type { User, UserStore } from './user-store.ts';

/** Where the settings name no realm. It is part of Ioto's hashes. */
export const USUAL_REALM = 'ioto';

/** One user that says to be it, from somewhere. */
export interface Claimed {
  username: string;
  password: string;
  address: string;
}

/** Checks passwords, as often as they may be tried. */
export class SignIn {
  readonly users: UserStore;
  readonly passwords: Passwords;
  readonly attempts: Attempts;
  readonly failures: Failures;
  readonly realm: string;
  readonly #context: WebContext;

  constructor(context: WebContext, users: UserStore, passwords: Passwords) {
    const { web, clock, events } = context;
    this.users = users;
    this.passwords = passwords;
    this.attempts = new Attempts(web.auth.attempts, clock);
    this.failures = new Failures(events, clock);
    this.realm = web.auth.realm ?? USUAL_REALM;
    this.#context = context;
  }

  /**
   * The user, when the password is right. Takes as long for one that there is not. An older hash of the user is replaced
   * by one of today.
   *
   * @throws WEB_ATTEMPTS, WEB_BUSY
   */
  async check({ username, password, address }: Claimed): Promise<User | undefined> {
    const attempt = this.attempts.take(address, username);
    const user = this.users.find(username);
    let verdict: Awaited<ReturnType<Passwords['verify']>>;
    try {
      verdict = await this.passwords.verify(user?.password, { username, realm: this.realm, password });
    } catch (error) {
      attempt.takeBack();
      throw error;
    }
    if (!user || !verdict.isRight) {
      this.failures.add(address);
      return undefined;
    }
    attempt.wasRight();
    if (verdict.upgraded !== undefined) await this.#upgrade(user, verdict.upgraded);
    // Hashing takes its time: a password that was changed meanwhile, and a role that was taken away, are worth nothing.
    return this.users.isStill(user) ? user : undefined;
  }

  /** What digest authentication is checked by has to stay as it is. A disk that is full keeps nobody out. */
  async #upgrade(user: User, hash: string): Promise<void> {
    const { web, routes, logger } = this.#context;
    const asksDigest = web.auth.authType === 'digest' || routes.some(({ authType }) => authType === 'digest');
    if (asksDigest && !/^BF1:|^\$/.test(user.password)) return;
    try {
      await this.users.upgrade(user, hash);
    } catch (error) {
      logger.warn({ username: user.username, error: String(error) }, 'a hash could not be replaced');
    }
  }
}
