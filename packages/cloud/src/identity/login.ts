import { type Clock, CodedError } from '@ioto/runtime';
import type { AuditLog } from '../audit/audit-log.ts';
import { GuessLimiter, loginGuessRules } from '../limits/guess-limiter.ts';
import type { TokenFacts, Tokens } from './tokens.ts';
import type { User, Users, VerifiedUser } from './users.ts';

/** Life of a login, in milliseconds: a working day and a bit. */
export const LOGIN_LIFE = 12 * 3_600_000;

export interface Login {
  token: string;
  /** ISO time at which the token ends. */
  expires: string | undefined;
  user: User;
}

/** Signs people in by name and password, at a rate that makes guessing hopeless. */
export class LoginDesk {
  readonly #users: Users;
  readonly #tokens: Tokens;
  readonly #audit: AuditLog;
  readonly #guesses: GuessLimiter;

  constructor(options: { users: Users; tokens: Tokens; audit: AuditLog; clock: Clock }) {
    this.#users = options.users;
    this.#tokens = options.tokens;
    this.#audit = options.audit;
    this.#guesses = new GuessLimiter({ clock: options.clock, rules: loginGuessRules });
  }

  /** @throws LOGIN_FAILED (401), the same whether name or password is wrong; GUESSES_EXCEEDED (429). */
  async signIn(email: string, password: string, address: string): Promise<Login> {
    const verified = await this.verify(email, password, address);
    if (!verified) throw new CodedError('LOGIN_FAILED', 'name or password is wrong', { status: 401 });
    const { user } = verified;
    await this.#tokens.removeExpiredLogins(user.id);
    const { token, facts } = await this.#tokens.create(loginFacts(verified), LOGIN_LIFE);
    return { token, expires: facts.expires, user };
  }

  /**
   * The user, when the password is right. Every question for a password counts with the same limits.
   *
   * @throws GUESSES_EXCEEDED (429)
   */
  async verify(email: string, password: string, address: string): Promise<VerifiedUser | undefined> {
    const guess = this.#guesses.admit({ account: email.trim().toLowerCase(), address });
    const verified = await this.#users.verify(email, password);
    if (verified) guess.right();
    else await this.#recordDenial(email, address);
    return verified;
  }

  async #recordDenial(email: string, address: string): Promise<void> {
    const tried = await this.#users.findByEmail(email);
    if (!tried) return;
    await this.#audit.record(
      { accountId: tried.accountId },
      {
        action: 'user.login-denied',
        actor: 'nobody',
        accountId: tried.accountId,
        address,
        details: { userId: tried.id },
      },
    );
  }
}

function loginFacts({ user, credential }: VerifiedUser): Omit<TokenFacts, 'id' | 'created' | 'expires'> {
  return { type: 'login', accountId: user.accountId, userId: user.id, credential, role: user.role };
}
