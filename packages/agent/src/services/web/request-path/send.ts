import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { CodedError } from '@ioto/runtime';
import { statusOf } from '../errors.ts';
import { hasBody } from './shape.ts';

/** Answers with a text; content type plain unless `headers` say another. */
export function sendText(
  response: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  text: string,
): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(response.req.method === 'HEAD' ? undefined : text);
}

/** Answers with a value as JSON. */
export function sendJson(
  response: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  value: unknown,
): void {
  const text = JSON.stringify(value);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(response.req.method === 'HEAD' ? undefined : text);
}

/** Headers of an answer that reads no body: one that comes all the same would be taken for the next request. */
export function withoutBody(
  raw: IncomingMessage,
  headers: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return hasBody(raw) ? { ...headers, connection: 'close' } : headers;
}

/** What a client is told of what went wrong. */
export interface Refusal {
  status: number;
  code: string;
  message: string;
}

/** Answers with what went wrong: as `{ error: { code, message } }` to programs and scripts, as a sentence to who looks at a page. */
export function sendRefusal(
  response: ServerResponse,
  { status, code, message }: Refusal,
  headers: OutgoingHttpHeaders,
): void {
  if (wantsJson(response.req)) sendJson(response, status, headers, { error: { code, message } });
  else sendText(response, status, headers, `${message}\n`);
}

/**
 * Answers with an error: one with a status with its code and message, any other without a word of it. False for these others,
 * for whoever logs them. An answer that has begun already is cut off.
 */
export function sendError(
  error: unknown,
  raw: IncomingMessage,
  response: ServerResponse,
  headers: Readonly<Record<string, string>>,
): boolean {
  const status = statusOf(error);
  if (response.headersSent) {
    response.destroy();
    return status !== undefined;
  }
  if (status === undefined) {
    sendRefusal(response, FAILED, { ...headers, connection: 'close' });
    return false;
  }
  // What is left of a body would be read as the next request.
  const whole = raw.complete || !hasBody(raw) ? headers : { ...headers, connection: 'close' };
  const { code, message, retryAfter } = error as CodedError;
  const about = retryAfter === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfter / 1000)) };
  sendRefusal(response, { status, code, message }, { ...whole, ...about });
  return true;
}

export const NOT_FOUND: Refusal = {
  status: 404,
  code: 'WEB_NOT_FOUND',
  message: 'there is nothing at this path',
};
export const WRONG_METHOD: Refusal = {
  status: 405,
  code: 'WEB_METHOD',
  message: 'this path does not answer the method: see Allow',
};
const FAILED: Refusal = { status: 500, code: 'WEB_FAILED', message: 'something went wrong' };

/** Programs, and scripts of pages; not who looks at a page. */
function wantsJson({ headers }: IncomingMessage): boolean {
  const { accept = '' } = headers;
  return !/\btext\/(?:html|plain)\b/.test(accept);
}
