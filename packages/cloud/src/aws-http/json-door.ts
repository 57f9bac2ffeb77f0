import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { type Clock, type CodedError, isCodedError } from '@ioto/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HttpApp } from '../http/http-app.ts';
import { parseJsonBody } from '../http/json-body.ts';
import { TokenBuckets } from '../limits/token-bucket.ts';
import type { AwsAuthorizer } from './aws-caller.ts';
import { awsError } from './aws-error.ts';
import type { AwsOperation, AwsStream, InputLimits, JsonTarget } from './json-target.ts';

/** What an operation takes that says nothing else: names, and a few of them. */
const SMALL: InputLimits = { bytes: 64 * 1024, values: 5000 };
/** Bytes that are read before anything is known of the caller. */
const LARGEST_OF_STRANGERS = 64 * 1024;
/**
 * What an account may have parsed, in bytes and milliseconds: PutLogEvents at its own rate, and a half more. A value takes as long as
 * so many bytes of text.
 */
const PARSE_RATE = { burst: 96 * 1024 * 1024, period: 2000 };
const BYTES_PER_VALUE = 32;

const inflate = promisify(gunzip);

export interface JsonDoorOptions {
  authorizer: AwsAuthorizer;
  targets: readonly JsonTarget[];
  clock: Clock;
}

/** `POST /` with `X-Amz-Target: PREFIX.OPERATION` (AWS JSON 1.0 and 1.1). */
export function jsonDoor(scope: HttpApp, { authorizer, targets, clock }: JsonDoorOptions): void {
  const services = new Map(targets.map((target) => [target.prefix, target]));
  const operations = targets.flatMap((target) => Object.values(target.operations));
  const largest = Math.max(SMALL.bytes, ...operations.map(({ limits = SMALL }) => limits.bytes));
  const rate = new TokenBuckets({ clock, rule: PARSE_RATE });
  scope.post(
    '/',
    {
      bodyLimit: largest,
      onRequest: async (request) => {
        const length = Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY);
        if (length > LARGEST_OF_STRANGERS) request.bodyOwner = await authorizer.preview(request);
      },
    },
    async (request, reply) => {
      const { target, operation } = asked(request, services);
      const caller = await authorizer.authorize(request, [target.signingName]);
      const { limits = SMALL } = operation;
      const pay = (bytes: number) => {
        if (rate.take(caller.accountId, bytes) > 0) throw awsError('ThrottlingException', 'Rate exceeded');
      };
      const body = await plainBody(request, limits, pay);
      const input = parse(body, limits, (values) => pay(values * BYTES_PER_VALUE));
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

/**
 * The bytes of JSON, paid for once they are known.
 *
 * @throws RequestEntityTooLargeException (413) for more bytes than the operation takes; SerializationException for a body that is
 * not what it says, or grows beyond that.
 */
async function plainBody(
  { headers, rawBody = Buffer.alloc(0) }: FastifyRequest,
  { bytes: most }: InputLimits,
  pay: (bytes: number) => void,
): Promise<Buffer> {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (rawBody.length > most) {
    throw awsError('RequestEntityTooLargeException', `this operation takes ${most} bytes`, { status: 413 });
  }
  if (encoding === 'identity') {
    pay(rawBody.length);
    return rawBody;
  }
  if (encoding !== 'gzip') {
    throw awsError(
      'SerializationException',
      `the content encoding ${String(encoding).slice(0, 40)} is not known here`,
    );
  }
  let inflated: Buffer;
  try {
    inflated = await inflate(rawBody, { maxOutputLength: most });
  } catch (error) {
    pay(most);
    throw awsError('SerializationException', `the body is not gzip of at most ${most} bytes`, {
      cause: error,
    });
  }
  pay(inflated.length);
  return inflated;
}

function parse(
  body: Buffer,
  { values }: InputLimits,
  admit: (values: number) => void,
): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parseJsonBody(body, { lenient: false, values, admit });
  } catch (error) {
    if (isCodedError(error, 'ThrottlingException')) throw error;
    throw awsError('SerializationException', error instanceof Error ? error.message : 'the body is not JSON');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw awsError('SerializationException', 'the body is not a JSON object');
}

function isStream(answer: object): answer is AwsStream {
  return 'stream' in answer && 'contentType' in answer;
}
