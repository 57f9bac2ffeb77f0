import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest, RawServerDefault } from 'fastify';
import type { Principal } from './principal.ts';

/** The Fastify instance that route modules add their routes to: `xxxRoutes(app, capabilities)`, paths without `/api`. */
export type HttpApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard of the route; undefined on routes without one. */
    principal: Principal | undefined;
    /** The body's exact bytes, which request signatures cover. */
    rawBody: Buffer | undefined;
    /** Under whose name the body is counted while it is held; undefined where nobody is known before it is read. */
    bodyOwner: string | undefined;
    /** Aborted when the client goes away or the program stops; for long polls. */
    gone: AbortSignal;
    /** Calls back once the answer is sent or the connection has closed; at once when that was before. */
    whenOver(callback: () => void): void;
  }
  interface FastifyContextConfig {
    /** The caller is a device's agent: refusals are spoken in its dialect. */
    agent?: boolean;
  }
}

/** Finds out who makes a request. */
export interface Authenticator {
  /** @throws UNAUTHENTICATED (401) when there are no credentials or they prove nobody. */
  authenticate(request: FastifyRequest): Promise<Principal>;
}
