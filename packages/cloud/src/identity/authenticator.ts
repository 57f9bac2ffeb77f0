import { secretsEqual } from '@ioto/protocol';
import type { FastifyRequest } from 'fastify';
import { accessError, bearerOf } from '../http/guards.ts';
import type { Authenticator } from '../http/http-app.ts';
import type { Principal } from '../http/principal.ts';
import type { TokenFacts, Tokens } from './tokens.ts';
import type { Users } from './users.ts';

/** Tells who holds the bearer token of a request: the admin key, a user's login or an API token. */
export class BearerAuthenticator implements Authenticator {
  readonly #tokens: Tokens;
  readonly #users: Users;
  readonly #adminKey: () => string;

  constructor(options: { tokens: Tokens; users: Users; adminKey: () => string }) {
    this.#tokens = options.tokens;
    this.#users = options.users;
    this.#adminKey = options.adminKey;
  }

  async authenticate(request: FastifyRequest): Promise<Principal> {
    const token = bearerOf(request);
    const principal = token === undefined ? undefined : await this.principalOf(token);
    if (!principal) {
      throw accessError('UNAUTHENTICATED', 'sign in, or send a valid token as Authorization: bearer');
    }
    return principal;
  }

  /** Who a token stands for, or undefined when it is not valid (any more). */
  async principalOf(token: string): Promise<Principal | undefined> {
    if (token.startsWith('ioto_admin_')) {
      return secretsEqual(token, this.#adminKey()) ? { kind: 'admin' } : undefined;
    }
    const facts = await this.#tokens.lookUp(token);
    return facts && this.#principal(facts);
  }

  async #principal(facts: TokenFacts): Promise<Principal | undefined> {
    const { id: tokenId, type, accountId, userId, credential = 0, role } = facts;
    if (type === 'builderApi') return { kind: 'builderToken', tokenId };
    if (type === 'cloudApi') return { kind: 'apiToken', tokenId, type, accountId, role };
    if (accountId === undefined || userId === undefined) return undefined;
    // Role and password are read anew each time: taking the one away or changing the other takes effect at once.
    const user = await this.#users.ofLogin(accountId, userId, credential);
    return user && { kind: 'user', userId, tokenId, email: user.email, accountId, role: user.role };
  }
}
