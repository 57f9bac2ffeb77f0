import { CodedError, type Logger, messageOf } from '@ioto/runtime';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { agentTexts, readsStatuses } from './agent-dialect.ts';
import { describeInvalid } from './json-body.ts';

/** Fastify's own refusals, in our words and under our codes. */
const FRAMEWORK: Readonly<Record<string, { code: string; status: number; message: string }>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: {
    code: 'BODY_TOO_LARGE',
    status: 413,
    message: 'the body is larger than this API takes',
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: 'CONTENT_TYPE_UNSUPPORTED',
    status: 415,
    message: 'send the body as application/json',
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 'CONTENT_LENGTH_WRONG',
    status: 400,
    message: 'the body does not have the length that Content-Length says',
  },
  ECONNRESET: { code: 'REQUEST_CUT_SHORT', status: 400, message: 'the connection ended within the body' },
  FST_ERR_BAD_URL: { code: 'URL_MALFORMED', status: 400, message: 'the URL is malformed' },
  FST_ERR_MAX_PARAM_LENGTH: { code: 'URL_TOO_LONG', status: 414, message: 'the URL is too long' },
};

/** Answers `{ error, code, delay? }`, in the dialect that the caller reads (Ioto contract §3, §10). */
export function sendError(
  request: FastifyRequest,
  reply: FastifyReply,
  thrown: unknown,
  logger: Logger,
): void {
  const error = coded(thrown);
  const status = error.status ?? 500;
  const delay = error.retryAfter === undefined ? undefined : Math.max(1, Math.ceil(error.retryAfter / 1000));
  if (status >= 500 && status !== 503) {
    logger.error(
      { route: request.routeOptions.url, error: messageOf(thrown), cause: causeOf(thrown) },
      'request failed',
    );
  }
  const agent = request.routeOptions.config?.agent === true && !readsStatuses(request);
  const text = agent ? agentTexts[error.code] : undefined;
  if (text) {
    reply.code(text.status).type('text/plain').send(text.text);
    return;
  }
  if (delay !== undefined) reply.header('retry-after', String(delay));
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  const body = { error: error.message, code: error.code, ...(delay === undefined ? {} : { delay }) };
  // Agents in the field read a body only on 200: it is how they learn how long to stay away.
  reply.code(agent && delay !== undefined ? 200 : status).send(body);
}

function coded(thrown: unknown): CodedError {
  if (thrown instanceof CodedError && thrown.status !== undefined) return thrown;
  const error = thrown as Partial<FastifyError>;
  if (error.validation) return describeInvalid(error.validation);
  const known = FRAMEWORK[error.code ?? ''];
  if (known) return new CodedError(known.code, known.message, { status: known.status });
  return new CodedError('INTERNAL', 'the request failed here; the log of the cloud says why', {
    status: 500,
  });
}

function causeOf(thrown: unknown): string | undefined {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return cause === undefined ? undefined : messageOf(cause);
}
