import type { CodedError, Logger } from '@ioto/runtime';
import type { FastifyRequest } from 'fastify';
import { awsError } from '../aws-http/aws-error.ts';
import type { AwsRoutes } from '../aws-http/aws-scope.ts';
import { type AwsNames, named } from '../aws-http/aws-words.ts';
import type { DeviceEndpoint, MessageProperties, PublishedMessage } from '../ports/device-endpoint.ts';
import { DATA_PLANE_BODY, dataPlane, refuseOtherMethods } from './data-plane.ts';

/** Seconds: as long as a message may last at most. */
const LONGEST_EXPIRY = 4_294_967_295;

/** How the data plane calls what the endpoint refuses. */
const NAMES: AwsNames = {
  MQTT_FORBIDDEN: { code: 'ForbiddenException', status: 403, message: 'Forbidden' },
  MQTT_PROTOCOL_VIOLATION: { code: 'InvalidRequestException' },
  MQTT_LIMIT_EXCEEDED: ({ details }) =>
    details?.limit === 'maxPayloadSize'
      ? { code: 'RequestEntityTooLargeException', status: 413 }
      : { code: 'InvalidRequestException' },
};

export interface TopicsRouteOptions {
  endpoint: Pick<DeviceEndpoint, 'take'>;
  logger: Logger;
}

/** `POST /topics/{topic}?qos&retain`: publishes a message with the rights that its sender has over MQTT. */
export function topicsRoute({ endpoint, logger }: TopicsRouteOptions): AwsRoutes {
  return dataPlane(logger, (scope, callerOf) => {
    scope.post('/topics/*', { bodyLimit: DATA_PLANE_BODY }, async (request, reply) => {
      const caller = await callerOf(request as FastifyRequest);
      const message = messageOf(request as FastifyRequest);
      await named(NAMES, () => endpoint.take(caller, message));
      return reply.type('application/json').send('{"message":"OK"}');
    });
    refuseOtherMethods(scope, '/topics/*', ['GET', 'PUT', 'DELETE']);
  });
}

function messageOf(request: FastifyRequest): PublishedMessage {
  const query = request.query as Record<string, unknown>;
  const { '*': topic = '' } = request.params as { '*'?: string };
  const { qos = '0', retain = 'false', messageExpiry } = query;
  if (qos !== '0' && qos !== '1') throw invalid('qos must be 0 or 1');
  if (retain !== 'true' && retain !== 'false') throw invalid('retain must be true or false');
  const properties = propertiesOf(request.headers, query);
  return {
    topic,
    payload: request.rawBody ?? Buffer.alloc(0),
    qos: qos === '1' ? 1 : 0,
    retain: retain === 'true',
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    ...(messageExpiry === undefined ? {} : { expiry: secondsOf(messageExpiry) * 1000 }),
  };
}

function propertiesOf(
  headers: FastifyRequest['headers'],
  { contentType, responseTopic }: Record<string, unknown>,
): MessageProperties {
  const properties: MessageProperties = {};
  if (typeof contentType === 'string') properties.contentType = contentType;
  if (typeof responseTopic === 'string') {
    if (/[+#]|^$/.test(responseTopic)) throw invalid('responseTopic is no topic name');
    properties.responseTopic = responseTopic;
  }
  const format = headers['x-amz-mqtt5-payload-format-indicator'];
  if (format === 'UTF8_DATA') properties.payloadFormatIndicator = 1;
  else if (format === 'UNSPECIFIED_BYTES') properties.payloadFormatIndicator = 0;
  else if (format !== undefined) throw invalid('x-amz-mqtt5-payload-format-indicator is not known');
  const correlation = headers['x-amz-mqtt5-correlation-data'];
  if (correlation !== undefined) properties.correlationData = Buffer.from(String(correlation), 'base64');
  const user = headers['x-amz-mqtt5-user-properties'];
  if (user !== undefined) properties.userProperties = userPropertiesOf(String(user));
  return properties;
}

/** `[{"name":"value"}, …]`, in base64. */
function userPropertiesOf(header: string): [string, string][] {
  let list: unknown;
  try {
    list = JSON.parse(Buffer.from(header, 'base64').toString());
  } catch {
    list = undefined;
  }
  const pairs = Array.isArray(list)
    ? list.flatMap((each) =>
        typeof each === 'object' && each !== null ? Object.entries(each) : [['', each]],
      )
    : [[undefined, undefined]];
  if (!pairs.every((pair): pair is [string, string] => pair[0] !== '' && typeof pair[1] === 'string')) {
    throw invalid('x-amz-mqtt5-user-properties is not a JSON array of {"name":"text"}, in base64');
  }
  return pairs;
}

function secondsOf(text: unknown): number {
  const seconds = typeof text === 'string' && /^\d{1,10}$/.test(text) ? Number(text) : -1;
  if (seconds < 1 || seconds > LONGEST_EXPIRY) throw invalid('messageExpiry must be a number of seconds');
  return seconds;
}

function invalid(message: string): CodedError {
  return awsError('InvalidRequestException', message);
}
