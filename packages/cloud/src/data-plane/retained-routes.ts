import type { Logger } from '@ioto/runtime';
import type { FastifyRequest } from 'fastify';
import type { AwsCaller } from '../aws-http/aws-caller.ts';
import { awsError } from '../aws-http/aws-error.ts';
import type { AwsRoutes } from '../aws-http/aws-scope.ts';
import type { DeviceEndpoint, RetainedMessage } from '../ports/device-endpoint.ts';
import { dataPlane, refuseOtherMethods } from './data-plane.ts';
import { fromToken, pageSizeOf, toToken } from './paging.ts';

const MOST = 200;

export interface RetainedRoutesOptions {
  endpoint: Pick<DeviceEndpoint, 'retained'>;
  logger: Logger;
}

/** `GET /retainedMessage[/{topic}]`: what the topics of the caller's account have retained, as far as it may receive it. */
export function retainedRoutes({ endpoint, logger }: RetainedRoutesOptions): AwsRoutes {
  const visible = ({ accountId, rights }: AwsCaller) =>
    endpoint.retained(accountId).filter(({ topic }) => rights.mayReceive(topic));
  return dataPlane(logger, (scope, callerOf) => {
    scope.get('/retainedMessage', async (request) => {
      const caller = await callerOf(request as FastifyRequest);
      const { maxResults, nextToken } = request.query as Record<string, unknown>;
      const limit = pageSizeOf('maxResults', maxResults, MOST);
      const after = fromToken(nextToken);
      const rest = visible(caller)
        .sort((a, b) => (a.topic < b.topic ? -1 : 1))
        .filter(({ topic }) => after === undefined || topic > after);
      const page = rest.slice(0, limit);
      const last = rest.length > limit ? page.at(-1)?.topic : undefined;
      return {
        retainedTopics: page.map(summary),
        ...(last === undefined ? {} : { nextToken: toToken(last) }),
      };
    });
    scope.get('/retainedMessage/*', async (request) => {
      const caller = await callerOf(request as FastifyRequest);
      const { '*': topic = '' } = request.params as { '*'?: string };
      if (!caller.rights.mayReceive(topic))
        throw awsError('ForbiddenException', 'Forbidden', { status: 403 });
      const message = visible(caller).find((each) => each.topic === topic);
      if (message) return whole(message);
      const text = `No retained message exists with topic: '${topic}'`;
      throw awsError('ResourceNotFoundException', text, { status: 404 });
    });
    for (const url of ['/retainedMessage', '/retainedMessage/*']) {
      refuseOtherMethods(scope, url, ['POST', 'PUT', 'DELETE']);
    }
  });
}

function summary({ topic, payload, qos, retainedAt = 0 }: RetainedMessage) {
  return { topic, payloadSize: payload.length, qos, lastModifiedTime: retainedAt };
}

function whole({ topic, payload, qos, retainedAt = 0, properties }: RetainedMessage) {
  const list = properties?.userProperties?.map(([name, value]) => Object.fromEntries([[name, value]]));
  return {
    ...{ topic, payload: payload.toString('base64'), qos, lastModifiedTime: retainedAt },
    userProperties: list ? Buffer.from(JSON.stringify(list)).toString('base64') : null,
  };
}
