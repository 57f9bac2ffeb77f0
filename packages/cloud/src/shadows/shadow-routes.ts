import { isShadowName, ShadowError, shadowRefusal, shadowTopic } from '@ioto/protocol';
import { isCodedError, type Logger } from '@ioto/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AwsCaller } from '../aws-http/aws-caller.ts';
import type { AwsRoutes } from '../aws-http/aws-scope.ts';
import { type AwsNames, named } from '../aws-http/aws-words.ts';
import { type CallerOf, DATA_PLANE_BODY, dataPlane, refuseOtherMethods } from '../data-plane/data-plane.ts';
import { fromToken, pageSizeOf, toToken } from '../data-plane/paging.ts';
import type { ShadowCaller, ShadowDesk } from './shadow-desk.ts';
import type { ShadowRef } from './shadow-item.ts';
import type { ShadowRecords } from './shadow-records.ts';

const MOST_NAMES = 100;
const UNWRITABLE = 'The service cannot complete the request: the disk of the cloud takes nothing now.';

/** How the data plane calls what a message calls by number. */
const NAMES: AwsNames = {
  SHADOW_INVALID: { code: 'InvalidRequestException' },
  SHADOW_UNAUTHORIZED: { code: 'UnauthorizedException', status: 401 },
  SHADOW_FORBIDDEN: { code: 'ForbiddenException', status: 403 },
  SHADOW_UNKNOWN: { code: 'ResourceNotFoundException', status: 404 },
  SHADOW_CONFLICT: { code: 'ConflictException', status: 409 },
  SHADOW_TOO_LARGE: { code: 'RequestEntityTooLargeException', status: 413 },
  SHADOW_ENCODING: { code: 'UnsupportedDocumentEncodingException', status: 415 },
  SHADOW_BUSY: { code: 'ThrottlingException', status: 429 },
  // A disk that takes nothing now is no failure over REST: clients try again.
  SHADOW_FAILED: ({ cause }) =>
    isCodedError(cause, 'STORE_UNWRITABLE')
      ? { code: 'ServiceUnavailableException', status: 503, message: UNWRITABLE }
      : { code: 'InternalFailureException', status: 500 },
};

export interface ShadowRoutesOptions {
  desk: ShadowDesk;
  records: Pick<ShadowRecords, 'names'>;
  /** Seconds since 1970. */
  now: () => number;
  logger: Logger;
}

interface Asked {
  caller: ShadowCaller;
  ref: ShadowRef;
  body: Buffer;
}

/**
 * `/things/{thing}/shadow[?name=NAME]` and the list of names, with bodies that are the document itself. Who may hear of a
 * shadow may read it; who may ask for a change over MQTT may make it here.
 */
export function shadowRoutes({ desk, records, now, logger }: ShadowRoutesOptions): AwsRoutes {
  return dataPlane(logger, (scope, callerOf) => {
    const shadow = '/things/:thing/shadow';
    const limit = { bodyLimit: DATA_PLANE_BODY };
    scope.get(shadow, async (request, reply) =>
      answer(reply, async () => {
        const { caller, ref, body } = await asked(request as FastifyRequest, callerOf);
        mayRead(caller.principal, ref);
        return desk.get(caller, ref, body);
      }),
    );
    scope.post(shadow, limit, async (request, reply) =>
      answer(reply, async () => {
        const { caller, ref, body } = await asked(request as FastifyRequest, callerOf);
        mayAsk(caller.principal, ref, 'update');
        return desk.update(caller, ref, body);
      }),
    );
    scope.delete(shadow, limit, async (request, reply) =>
      answer(reply, async () => {
        const { caller, ref, body } = await asked(request as FastifyRequest, callerOf);
        mayAsk(caller.principal, ref, 'delete');
        return desk.remove(caller, ref, body);
      }),
    );
    refuseOtherMethods(scope, shadow, ['PUT', 'PATCH']);
    const list = '/api/things/shadow/ListNamedShadowsForThing/:thing';
    scope.get(list, async (request, reply) =>
      answer(reply, async () => {
        const { caller, ref } = await asked(request as FastifyRequest, callerOf);
        mayRead(caller.principal, ref);
        const { pageSize, nextToken } = request.query as Record<string, unknown>;
        const after = fromToken(nextToken);
        const page = { limit: pageSizeOf('pageSize', pageSize, MOST_NAMES) };
        const { names, next } = await records.names(ref, after === undefined ? page : { ...page, after });
        const more = next === undefined ? {} : { nextToken: toToken(next) };
        return JSON.stringify({ results: names, ...more, timestamp: now() });
      }),
    );
    refuseOtherMethods(scope, list, ['POST', 'PUT', 'DELETE']);
  });
}

async function answer(reply: FastifyReply, body: () => Promise<string>): Promise<FastifyReply> {
  return reply.type('application/json').send(await named(NAMES, body));
}

async function asked(request: FastifyRequest, callerOf: CallerOf): Promise<Asked> {
  const principal = await callerOf(request);
  const { thing = '' } = request.params as { thing?: string };
  const { name } = request.query as { name?: unknown };
  if (name !== undefined && (typeof name !== 'string' || !isShadowName(name))) {
    throw new ShadowError(400, 'Invalid shadow name');
  }
  const { accountId } = principal;
  return {
    // Connections tell nothing here: callers of one account share what may be asked about one thing at a time.
    caller: { principal, line: `http ${accountId}` },
    ref: { accountId, thing, ...(name === undefined ? {} : { name }) },
    body: request.rawBody ?? Buffer.alloc(0),
  };
}

function mayRead({ rights, kind }: AwsCaller, { thing, name }: ShadowRef): void {
  if (rights.mayReceive(shadowTopic.news(thing, name, 'get', 'accepted'))) return;
  // A tool may read the shadows of all devices that its account has.
  throw kind === 'tool' ? shadowRefusal.thingUnknown() : shadowRefusal.forbidden();
}

function mayAsk(caller: AwsCaller, ref: ShadowRef, verb: 'update' | 'delete'): void {
  mayRead(caller, ref);
  if (!caller.rights.mayPublish(shadowTopic.request(ref.thing, ref.name, verb)))
    throw shadowRefusal.forbidden();
}
