import { isCodedError, type Logger, messageOf } from '@ioto/runtime';
import type { FastifyRequest } from 'fastify';
import type { AwsAuthorizer, AwsCaller } from '../aws-http/aws-caller.ts';
import { awsError } from '../aws-http/aws-error.ts';
import type { AwsRoutes } from '../aws-http/aws-scope.ts';
import { inAwsWords } from '../aws-http/aws-words.ts';
import type { HttpApp } from '../http/http-app.ts';

/** Names that AWS's own clients sign requests to the data plane for. */
const SIGNED_FOR = ['iotdata', 'iotdevicegateway'];

/** Bytes of a body: what a message may have. */
export const DATA_PLANE_BODY = 128 * 1024;

/** Finds out who asks: whoever may connect to the endpoint, by signature or certificate. */
export type CallerOf = (request: FastifyRequest) => Promise<AwsCaller>;

/**
 * Routes of AWS IoT's data plane. What they throw is answered in its way: the name of the error in a header, the status in
 * the body's `code`.
 */
export function dataPlane(logger: Logger, add: (scope: HttpApp, callerOf: CallerOf) => void): AwsRoutes {
  return (scope, authorizer) => {
    scope.register(async (unknownScope) => {
      const inner = unknownScope as unknown as HttpApp;
      inner.setErrorHandler((thrown, request, reply) => {
        const error = inAwsWords(thrown);
        const { status: code = 500, message } = error;
        if (code >= 500 && code !== 503) {
          logger.error({ route: request.routeOptions.url, error: messageOf(thrown) }, 'request failed');
        }
        reply.header('x-amzn-errortype', error.code).code(code).type('application/json');
        return reply.send(JSON.stringify({ code, message }));
      });
      add(inner, (request) => callerOf(request, authorizer));
    });
  };
}

/** Answers for methods that a path does not have. */
export function refuseOtherMethods(scope: HttpApp, url: string, methods: readonly string[]): void {
  scope.route({
    method: [...methods] as never,
    url,
    handler: async ({ method }) => {
      throw awsError('MethodNotAllowedException', `${method} is not possible here`, { status: 405 });
    },
  });
}

async function callerOf(request: FastifyRequest, authorizer: AwsAuthorizer): Promise<AwsCaller> {
  try {
    return await authorizer.authorize(request, SIGNED_FOR, { certificate: true });
  } catch (error) {
    if (!isCodedError(error, 'MissingAuthenticationTokenException')) throw error;
    throw awsError('UnauthorizedException', 'Unauthorized', { status: 401, cause: error });
  }
}
