import { CodedError, errorCatalogue, isUlid } from '@ioto/runtime';
import type { FastifyRequest } from 'fastify';
import type { Authenticator } from './http-app.ts';
import { type Principal, type Role, roleCovers } from './principal.ts';

export const accessError = errorCatalogue({
  UNAUTHENTICATED: { status: 401 },
  FORBIDDEN: { status: 403 },
});

type Guard = (request: FastifyRequest) => Promise<void>;

/** Hooks for a route's `preHandler`: each sets `request.principal` or throws 401 or 403. */
export interface Guards {
  /** A user, cloud API token or the admin key, with at least this role. */
  account(role: Role): Guard;
  /** A cloud API token that is bound to no account, or the admin key. */
  wholeCloud(): Guard;
  /** Whoever may manage the builder: a builder API token or the admin key. */
  builder(): Guard;
}

export function createGuards(authenticator: Authenticator): Guards {
  const guard =
    (admit: (principal: Principal) => boolean, needed: string): Guard =>
    async (request) => {
      const principal = await authenticator.authenticate(request);
      if (!admit(principal)) throw accessError('FORBIDDEN', `this needs ${needed}`);
      request.principal = principal;
    };
  return {
    account: (role) =>
      guard(
        (principal) =>
          principal.kind === 'admin' ||
          ((principal.kind === 'user' || principal.kind === 'apiToken') && roleCovers(principal.role, role)),
        `the role ${role} in the account`,
      ),
    wholeCloud: () =>
      guard(
        (principal) =>
          principal.kind === 'admin' ||
          (principal.kind === 'apiToken' &&
            principal.accountId === undefined &&
            roleCovers(principal.role, 'admin')),
        'a cloud API token of the whole cloud',
      ),
    builder: () =>
      guard(
        (principal) => principal.kind === 'admin' || principal.kind === 'builderToken',
        'a builder API token',
      ),
  };
}

/**
 * The account that a guarded request acts on: the principal's own, or, for principals of the whole cloud, the one that
 * the request names.
 *
 * @throws FORBIDDEN (403) when a principal names another account than its own; ACCOUNT_MISSING (400) when none is named;
 * ACCOUNT_UNKNOWN (404) for what cannot be the name of an account.
 */
export function accountOf(request: FastifyRequest, named?: string): string {
  const principal = request.principal;
  const own = principal && 'accountId' in principal ? principal.accountId : undefined;
  if (own !== undefined && named !== undefined && own !== named) {
    throw accessError('FORBIDDEN', 'this belongs to another account');
  }
  const account = own ?? named;
  if (account === undefined) {
    throw new CodedError('ACCOUNT_MISSING', 'say which account: accountId is missing', { status: 400 });
  }
  // Lists of the builder and of the whole cloud stand beside those of the accounts, under words in place of an ID.
  if (!isUlid(account)) throw new CodedError('ACCOUNT_UNKNOWN', 'there is no such account', { status: 404 });
  return account;
}

/** The token of `Authorization: bearer TOKEN` (any case of the scheme), or undefined. */
export function bearerOf(request: FastifyRequest): string | undefined {
  const match = /^bearer\s+([\x21-\x7e]{1,4096})$/i.exec(request.headers.authorization ?? '');
  return match?.[1];
}
