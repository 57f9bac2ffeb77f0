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

/**
 * Answers with what went wrong: an error with a status with its code and message, any other without a word of it. False for
 * these others, for whoever logs them. An answer that has begun already is cut off.
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
  // What is left of a body would be read as the next request.
  const whole = raw.complete || !hasBody(raw) ? headers : { ...headers, connection: 'close' };
  if (status === undefined) {
    sendText(response, 500, { ...headers, connection: 'close' }, 'Something went wrong\n');
    return false;
  }
  const { code, message, retryAfter } = error as CodedError;
  const about = retryAfter === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfter / 1000)) };
  if (wantsJson(raw)) sendJson(response, status, { ...whole, ...about }, { error: { code, message } });
  else sendText(response, status, { ...whole, ...about }, `${message}\n`);
  return true;
}

/** Programs, and scripts of pages; not who looks at a page. */
function wantsJson({ headers }: IncomingMessage): boolean {
  const { accept = '' } = headers;
  return !/\btext\/(?:html|plain)\b/.test(accept);
}
