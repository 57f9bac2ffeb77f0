import { CodedError, messageOf, parseTime } from '@ioto/runtime';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { AuditLog, AuditScope } from '../audit/audit-log.ts';
import { accessError, accountOf, type Guards } from '../http/guards.ts';
import type { HttpApp } from '../http/http-app.ts';
import { nameOfPrincipal, ROLES, roleCovers } from '../http/principal.ts';
import { verbs } from '../http/verbs.ts';
import type { TokenScope, Tokens } from './tokens.ts';

export interface TokenCapabilities {
  tokens: Tokens;
  audit: AuditLog;
  guards: Guards;
}

const id = Type.String({ minLength: 1, maxLength: 64 });
const type = Type.Union([Type.Literal('cloudApi'), Type.Literal('builderApi')]);
const scope = { type: Type.Optional(type), accountId: Type.Optional(id) };
const newToken = Type.Object({
  ...scope,
  type,
  name: Type.Optional(Type.String({ maxLength: 128 })),
  role: Type.Optional(Type.Union(ROLES.map((value) => Type.Literal(value)))),
  life: Type.Optional(Type.String({ maxLength: 32, description: "how long it holds, such as '90 days'" })),
});

/** API tokens: `POST {api}/token/{create,find,remove}`. The token itself is in the answer to create, and only there. */
export function tokenRoutes(app: HttpApp, { tokens, audit, guards }: TokenCapabilities): void {
  const post = verbs(app, guards);
  post('/token/create', 'admin', newToken, async (body, request, reply) => {
    const where = scopeOf(request, body);
    const role = body.role ?? 'admin';
    const principal = request.principal;
    if (principal && 'role' in principal && !roleCovers(principal.role, role)) {
      throw accessError('FORBIDDEN', `only who has the role ${role} may make such a token`);
    }
    const made = await tokens.create(
      { ...where, type: body.type, name: body.name, role },
      lifeOf(body.life),
      (facts) => [
        audit.entry(auditScope(where), {
          action: 'token.created',
          actor: nameOfPrincipal(principal),
          accountId: where.accountId,
          details: { tokenId: facts.id, type: facts.type, role },
        }),
      ],
    );
    reply.code(201);
    return { ...made.facts, token: made.token };
  });
  post('/token/find', 'admin', Type.Object(scope), async (body, request) => ({
    items: await tokens.list(scopeOf(request, body)),
  }));
  post('/token/remove', 'admin', Type.Object({ id, ...scope }), async (body, request) => {
    const where = scopeOf(request, body);
    const { accountId } = where;
    const actor = nameOfPrincipal(request.principal);
    await tokens.remove(where, body.id, [
      audit.entry(auditScope(where), {
        action: 'token.removed',
        actor,
        accountId,
        details: { tokenId: body.id },
      }),
    ]);
    return {};
  });
}

/** Which list of tokens a request is about: only the admin key reaches the builder's and the whole cloud's. */
function scopeOf(
  request: FastifyRequest,
  body: { type?: 'cloudApi' | 'builderApi'; accountId?: string },
): TokenScope & { type: 'cloudApi' | 'builderApi' } {
  const type = body.type ?? 'cloudApi';
  if (request.principal?.kind === 'admin') {
    return { type, accountId: type === 'cloudApi' ? body.accountId : undefined };
  }
  if (type === 'builderApi') throw accessError('FORBIDDEN', 'builder API tokens are made with the admin key');
  return { type, accountId: accountOf(request, body.accountId) };
}

/** Milliseconds, or undefined for a token without end. */
function lifeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  try {
    const life = parseTime(text);
    return Number.isFinite(life) ? life : undefined;
  } catch (error) {
    throw new CodedError('REQUEST_INVALID', `"life" ${messageOf(error)}`, { status: 400 });
  }
}

function auditScope({ accountId }: TokenScope): AuditScope {
  return accountId === undefined ? 'builder' : { accountId };
}
