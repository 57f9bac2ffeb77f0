import { randomUUID } from 'node:crypto';
import { type Clock, type Logger, messageOf } from '@ioto/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HttpApp } from '../http/http-app.ts';
import type { AwsAuthorizer } from './aws-caller.ts';
import { inAwsWords } from './aws-words.ts';
import { jsonDoor, jsonErrorAnswer } from './json-door.ts';
import type { JsonTarget } from './json-target.ts';

/** Adds the routes of one AWS service that speaks REST; paths are absolute, and bodies are in `request.rawBody`. */
export type AwsRoutes = (scope: HttpApp, authorizer: AwsAuthorizer) => void;

export interface AwsScopeOptions {
  authorizer: AwsAuthorizer;
  routes: readonly AwsRoutes[];
  targets: readonly JsonTarget[];
  clock: Clock;
  logger: Logger;
}

/**
 * What AWS's clients ask for over HTTP, at the root of the one port: REST services on their paths, and services of the AWS
 * JSON protocols on `POST /`. Bodies are whatever the service takes, errors are in its dialect.
 */
export function awsScope(
  app: HttpApp,
  { authorizer, routes, targets, clock, logger }: AwsScopeOptions,
): void {
  app.register(async (unknownScope) => {
    const scope = unknownScope as unknown as HttpApp;
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
      request.rawBody = body as Buffer;
      done(null, body);
    });
    scope.addHook('onRequest', async (_request, reply) => {
      reply.header('x-amzn-requestid', randomUUID());
    });
    scope.setErrorHandler((error, request, reply) => sendAwsError(request, reply, error, logger));
    for (const add of routes) add(scope, authorizer);
    jsonDoor(scope, { authorizer, targets, clock });
  });
}

/** The code in a header and the message in the body (AWS REST JSON), or both in the body (AWS JSON). */
function sendAwsError(request: FastifyRequest, reply: FastifyReply, thrown: unknown, logger: Logger): void {
  const error = inAwsWords(thrown);
  const status = error.status ?? 500;
  if (status >= 500 && status !== 503) {
    logger.error({ route: request.routeOptions.url, error: messageOf(thrown) }, 'request failed');
  }
  if (request.routeOptions.url === '/') {
    jsonErrorAnswer(request, reply, error);
    return;
  }
  reply.header('x-amzn-errortype', error.code);
  reply
    .code(status)
    .type('application/json')
    .send(JSON.stringify({ message: error.message, code: error.code }));
}
