import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { CodedError } from '@ioto/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HttpApp } from '../http/http-app.ts';
import { parseJsonBody } from '../http/json-body.ts';
import type { AwsAuthorizer } from './aws-caller.ts';
import { awsError } from './aws-error.ts';
import type { AwsOperation, AwsStream, JsonTarget } from './json-target.ts';

/** Bytes of a body, compressed or not: a megabyte of log lines may be several in JSON. */
const LARGEST = 8 * 1024 * 1024;
/** Bytes that are read before anything is known of the caller. */
const LARGEST_OF_STRANGERS = 64 * 1024;

const inflate = promisify(gunzip);

export interface JsonDoorOptions {
  authorizer: AwsAuthorizer;
  targets: readonly JsonTarget[];
}

/** `POST /` with `X-Amz-Target: PREFIX.OPERATION` (AWS JSON 1.0 and 1.1). */
export function jsonDoor(scope: HttpApp, { authorizer, targets }: JsonDoorOptions): void {
  const services = new Map(targets.map((target) => [target.prefix, target]));
  scope.post(
    '/',
    {
      bodyLimit: LARGEST,
      onRequest: async (request) => {
        const length = Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY);
        if (length > LARGEST_OF_STRANGERS) await authorizer.preview(request);
      },
    },
    async (request, reply) => {
      const { target, operation } = asked(request, services);
      const caller = await authorizer.authorize(request, [target.signingName]);
      const input = parse(await plainBody(request));
      const objection = () => authorizer.objectionTo(caller);
      const answer = await operation.handle(input, caller, request as FastifyRequest, objection);
      if (isStream(answer)) return reply.type(answer.contentType).send(answer.stream);
      return reply.type(`application/x-amz-json-${target.version}`).send(Buffer.from(JSON.stringify(answer)));
    },
  );
}

/** `__type` and `message`, as both versions have it; the code of the query protocol is `details.queryCode` where it is another. */
export function jsonErrorAnswer(request: FastifyRequest, reply: FastifyReply, error: CodedError): void {
  const status = error.status ?? 500;
  if (request.headers['x-amzn-query-mode'] !== undefined) {
    const queryCode = error.details?.queryCode ?? error.code;
    reply.header('x-amzn-query-error', `${queryCode};${status < 500 ? 'Sender' : 'Receiver'}`);
  }
  const type = String(request.headers['content-type'] ?? '');
  reply
    .code(status)
    .type(
      type.startsWith('application/x-amz-json-1.0')
        ? 'application/x-amz-json-1.0'
        : 'application/x-amz-json-1.1',
    )
    .send(Buffer.from(JSON.stringify({ __type: error.code, message: error.message })));
}

function asked(
  request: FastifyRequest,
  services: ReadonlyMap<string, JsonTarget>,
): { target: JsonTarget; operation: AwsOperation } {
  const name = String(request.headers['x-amz-target'] ?? '');
  const dot = name.lastIndexOf('.');
  const target = services.get(name.slice(0, Math.max(0, dot)));
  const operations = target?.operations ?? {};
  const verb = name.slice(dot + 1);
  const operation = Object.hasOwn(operations, verb) ? operations[verb] : undefined;
  if (target && operation) return { target, operation };
  const what =
    name === '' ? 'the request has no header X-Amz-Target' : `${name.slice(0, 100)} is not served here`;
  throw awsError('UnknownOperationException', what, { status: name === '' ? 404 : 400 });
}

/** @throws SerializationException for one that is not what it says, or grows beyond what a body may have. */
async function plainBody({ headers, rawBody = Buffer.alloc(0) }: FastifyRequest): Promise<Buffer> {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return rawBody;
  if (encoding !== 'gzip') {
    throw awsError(
      'SerializationException',
      `the content encoding ${String(encoding).slice(0, 40)} is not known here`,
    );
  }
  try {
    return await inflate(rawBody, { maxOutputLength: LARGEST });
  } catch (error) {
    throw awsError('SerializationException', `the body is not gzip of at most ${LARGEST} bytes`, {
      cause: error,
    });
  }
}

function parse(body: Buffer): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parseJsonBody(body, { lenient: false });
  } catch (error) {
    throw awsError('SerializationException', error instanceof Error ? error.message : 'the body is not JSON');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw awsError('SerializationException', 'the body is not a JSON object');
}

function isStream(answer: object): answer is AwsStream {
  return 'stream' in answer && 'contentType' in answer;
}
