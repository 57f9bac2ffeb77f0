import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { accountOf, type Guards } from '../http/guards.ts';
import type { HttpApp } from '../http/http-app.ts';
import { nameOfPrincipal } from '../http/principal.ts';
import { verbs } from '../http/verbs.ts';
import { CREDENTIAL_LIFE } from '../ports/credential-issuer.ts';
import type { RoleAliases } from './role-aliases.ts';

const accountId = Type.Optional(Type.String({ maxLength: 64 }));
const name = Type.String({ minLength: 1, maxLength: 256, description: 'name of the role alias' });
const seconds = Type.Optional(
  Type.Integer({
    minimum: CREDENTIAL_LIFE.shortest,
    maximum: CREDENTIAL_LIFE.longest,
    description: 'how long credentials hold that devices ask for under this name',
  }),
);

/** Role aliases: `POST {api}/alias/{create,find,remove}`. */
export function aliasRoutes(
  app: HttpApp,
  { aliases, guards }: { aliases: RoleAliases; guards: Guards },
): void {
  const post = verbs(app, guards);
  const scope = (request: FastifyRequest, body: { accountId?: string }) => ({
    accountId: accountOf(request, body.accountId),
    actor: nameOfPrincipal(request.principal),
  });

  post('/alias/create', 'admin', Type.Object({ accountId, name, seconds }), async (body, request, reply) => {
    const made = await aliases.create(scope(request, body), body);
    reply.code(201);
    return made;
  });

  const Find = Type.Object({
    accountId,
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    next: Type.Optional(Type.String({ maxLength: 512 })),
  });
  post('/alias/find', 'viewer', Find, async (body, request) =>
    aliases.find(accountOf(request, body.accountId), body),
  );

  post('/alias/remove', 'admin', Type.Object({ accountId, name }), async (body, request) => {
    await aliases.remove(scope(request, body), body.name);
    return {};
  });
}
