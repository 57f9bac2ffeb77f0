import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { AuditLog } from '../audit/audit-log.ts';
import { accessError, accountOf, bearerOf, type Guards } from '../http/guards.ts';
import type { HttpApp } from '../http/http-app.ts';
import { nameOfPrincipal, ROLES, type Role, roleCovers } from '../http/principal.ts';
import { verbs } from '../http/verbs.ts';
import type { Accounts } from './accounts.ts';
import type { LoginDesk } from './login.ts';
import { tokenRoutes } from './token-routes.ts';
import type { Tokens } from './tokens.ts';
import type { Users } from './users.ts';

export interface IdentityCapabilities {
  accounts: Accounts;
  users: Users;
  tokens: Tokens;
  login: LoginDesk;
  audit: AuditLog;
  guards: Guards;
}

const id = Type.String({ minLength: 1, maxLength: 64 });
const name = Type.String({ minLength: 1, maxLength: 128 });
const password = Type.String({ maxLength: 256 });
const email = Type.String({ maxLength: 254 });
const role = Type.Union(ROLES.map((value) => Type.Literal(value)));
const inAccount = { accountId: Type.Optional(id) };

/** Accounts, users, login, API tokens and the audit record: `POST {api}/{account,user,token,audit}/{verb}`. */
export function identityRoutes(app: HttpApp, capabilities: IdentityCapabilities): void {
  loginRoutes(app, capabilities);
  accountRoutes(app, capabilities);
  userRoutes(app, capabilities);
  tokenRoutes(app, capabilities);
}

function loginRoutes(app: HttpApp, { login, tokens, users, guards }: IdentityCapabilities): void {
  app.post('/user/login', { schema: { body: Type.Object({ email, password }) } }, async (request) => {
    const { token, expires, user } = await login.signIn(
      request.body.email,
      request.body.password,
      request.ip,
    );
    return { token, expires, user };
  });
  const post = verbs(app, guards);
  post('/user/logout', 'viewer', Type.Object({}), async (_body, request) => {
    const token = bearerOf(request);
    if (token && request.principal?.kind === 'user') await tokens.revoke(token);
    return {};
  });
  post('/user/self', 'viewer', Type.Object({}), async (_body, request) => {
    const principal = request.principal;
    return principal?.kind === 'user' ? users.require(principal.accountId, principal.userId) : principal;
  });
}

function accountRoutes(app: HttpApp, { accounts, audit, guards }: IdentityCapabilities): void {
  const post = verbs(app, guards);
  post('/account/create', 'wholeCloud', Type.Object({ name }), async (body, request, reply) => {
    reply.code(201);
    return accounts.create(body.name, nameOfPrincipal(request.principal));
  });
  post('/account/find', 'viewer', Type.Object({ next: Type.Optional(id) }), async (body, request) => {
    const own = ownAccount(request);
    return own === undefined ? accounts.list(body.next) : { items: [await accounts.require(own)] };
  });
  post('/account/get', 'viewer', Type.Object({ id: Type.Optional(id) }), async (body, request) =>
    accounts.require(accountOf(request, body.id)),
  );
  const selfClaim = Type.Object({ enabled: Type.Boolean(), products: Type.Array(id, { maxItems: 1000 }) });
  const changes = Type.Object({
    id: Type.Optional(id),
    name: Type.Optional(name),
    selfClaim: Type.Optional(selfClaim),
    logGroups: Type.Optional(
      Type.Array(Type.String({ pattern: '^[.\\-_/#A-Za-z0-9]{1,511}\\*?$' }), { maxItems: 100 }),
    ),
    recoverExpired: Type.Optional(Type.Boolean()),
  });
  post('/account/update', 'admin', changes, async (body, request) =>
    accounts.update(accountOf(request, body.id), body, nameOfPrincipal(request.principal)),
  );
  const page = { next: Type.Optional(id), limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })) };
  post('/audit/find', 'viewer', Type.Object({ ...inAccount, ...page }), async (body, request) => {
    const scope = { accountId: accountOf(request, body.accountId) };
    const { entries, next } = await audit.find(scope, { limit: body.limit ?? 100, after: body.next });
    return { items: entries, next };
  });
}

function userRoutes(app: HttpApp, { accounts, users, tokens, login, guards }: IdentityCapabilities): void {
  const post = verbs(app, guards);
  const newUser = Type.Object({ email, password, role, ...inAccount });
  post('/user/create', 'admin', newUser, async (body, request, reply) => {
    refuseAbove(request, body.role);
    const account = await accounts.require(accountOf(request, body.accountId));
    reply.code(201);
    const { email, password, role } = body;
    return users.create({ email, password, role, accountId: account.id }, nameOfPrincipal(request.principal));
  });
  post('/user/find', 'viewer', Type.Object(inAccount), async (body, request) => ({
    items: await users.list(accountOf(request, body.accountId)),
  }));
  const changes = Type.Object({
    id,
    ...inAccount,
    role: Type.Optional(role),
    password: Type.Optional(password),
  });
  post('/user/update', 'admin', changes, async (body, request) => {
    const accountId = accountOf(request, body.accountId);
    const before = await users.require(accountId, body.id);
    refuseAbove(request, before.role);
    if (body.role) refuseAbove(request, body.role);
    const { role, password } = body;
    const user = await users.update(
      accountId,
      body.id,
      { role, password },
      nameOfPrincipal(request.principal),
    );
    if (password !== undefined) await tokens.removeLogins(user.id);
    return user;
  });
  post('/user/remove', 'admin', Type.Object({ id, ...inAccount }), async (body, request) => {
    const accountId = accountOf(request, body.accountId);
    refuseAbove(request, (await users.require(accountId, body.id)).role);
    await users.remove(accountId, body.id, nameOfPrincipal(request.principal));
    await tokens.removeLogins(body.id);
    return {};
  });
  passwordRoute(app, { users, tokens, login, guards });
}

/** One's own password, given the old one. */
function passwordRoute(
  app: HttpApp,
  { users, tokens, login, guards }: Pick<IdentityCapabilities, 'users' | 'tokens' | 'login' | 'guards'>,
): void {
  const change = Type.Object({ password, newPassword: password });
  verbs(app, guards)('/user/password', 'viewer', change, async (body, request) => {
    const principal = request.principal;
    if (principal?.kind !== 'user') throw accessError('FORBIDDEN', 'only a user has a password');
    const verified = await login.verify(principal.email, body.password, request.ip);
    if (!verified) throw accessError('FORBIDDEN', 'the old password is wrong');
    const { accountId, userId } = principal;
    const user = await users.update(
      accountId,
      userId,
      { password: body.newPassword, credential: verified.credential },
      nameOfPrincipal(principal),
    );
    await tokens.removeLogins(userId);
    return user;
  });
}

/** The one account that a principal is confined to, if any. */
function ownAccount(request: FastifyRequest): string | undefined {
  const principal = request.principal;
  return principal && 'accountId' in principal ? principal.accountId : undefined;
}

/** Nobody makes, changes or removes what stands above them. */
function refuseAbove(request: FastifyRequest, role: Role): void {
  const principal = request.principal;
  if (principal && 'role' in principal && !roleCovers(principal.role, role)) {
    throw accessError('FORBIDDEN', `only who has the role ${role} may do this`);
  }
}
