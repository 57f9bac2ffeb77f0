import type { Clock } from '@ioto/runtime';
import type { AuditLog } from '../audit/audit-log.ts';
import { createGuards, type Guards } from '../http/guards.ts';
import type { RouteModule } from '../http/http-service.ts';
import type { ItemStore } from '../ports/item-store.ts';
import { Accounts } from './accounts.ts';
import { BearerAuthenticator } from './authenticator.ts';
import { FirstLoginDesk } from './first-login.ts';
import { identityRoutes } from './identity-routes.ts';
import { LoginDesk } from './login.ts';
import { Passwords } from './passwords.ts';
import { Sponsors } from './sponsors.ts';
import { Tokens } from './tokens.ts';
import { Users } from './users.ts';

export interface IdentityParts {
  accounts: Accounts;
  users: Users;
  tokens: Tokens;
  sponsors: Sponsors;
  authenticator: BearerAuthenticator;
  guards: Guards;
  firstLogin: FirstLoginDesk;
  routes: RouteModule[];
}

/** Accounts, users and tokens, and with them the guards of every other capability's routes. */
export function buildIdentity(capabilities: {
  store: ItemStore;
  clock: Clock;
  audit: AuditLog;
  adminKey: () => string;
}): IdentityParts {
  const { store, clock, audit, adminKey } = capabilities;
  const accounts = new Accounts({ store, clock, audit });
  const users = new Users({ store, clock, audit, passwords: new Passwords() });
  const tokens = new Tokens({ store, clock });
  const sponsors = new Sponsors({ tokens, users });
  const login = new LoginDesk({ users, tokens, audit, clock });
  const authenticator = new BearerAuthenticator({ tokens, users, adminKey });
  const guards = createGuards(authenticator);
  const firstLogin = new FirstLoginDesk({ store, accounts, users });
  const routes: RouteModule[] = [
    (app) => identityRoutes(app, { accounts, users, tokens, login, audit, guards }),
  ];
  return { accounts, users, tokens, sponsors, authenticator, guards, firstLogin, routes };
}
