import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Static, TSchema } from 'typebox';
import type { Guards } from './guards.ts';
import type { HttpApp } from './http-app.ts';
import type { Role } from './principal.ts';

/** Who may use a verb: a role in the account, or whoever manages the whole cloud or the builder. The admin key may always. */
export type Access = Role | 'wholeCloud' | 'builder';

export type Verb = <B extends TSchema>(
  path: string,
  access: Access,
  body: B,
  handle: (body: Static<B>, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>,
) => void;

/**
 * Adds REST verbs, each under its own path and under `/tok`, where tools with an API token expect it (Ioto contract §9).
 */
export function verbs(app: HttpApp, guards: Guards): Verb {
  return (path, access, body, handle) => {
    const preHandler = guardFor(guards, access);
    for (const prefix of ['', '/tok']) {
      app.post(prefix + path, { schema: { body }, preHandler }, (request, reply) =>
        handle(
          request.body as Static<typeof body>,
          request as FastifyRequest,
          reply as unknown as FastifyReply,
        ),
      );
    }
  };
}

function guardFor(guards: Guards, access: Access): (request: FastifyRequest) => Promise<void> {
  if (access === 'builder') return guards.builder();
  if (access === 'wholeCloud') return guards.wholeCloud();
  return guards.account(access);
}
