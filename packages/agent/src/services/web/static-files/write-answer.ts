import type { ServerResponse } from 'node:http';
import { webError } from '../errors.ts';
import type { WebRequest } from '../request-path/web-request.ts';
import type { DocumentWriter } from './document-writer.ts';

/**
 * Answers a PUT with the body as the file at a path, 201 where there was none, and a DELETE of it (RFC 9110 §9.3.4, §9.3.5).
 *
 * @param path decoded, as the documents see it
 * @throws as the writer and the body do; WEB_BODY_SYNTAX for a part of a file
 */
export async function answerWrite(
  path: string,
  request: WebRequest,
  response: ServerResponse,
  { writer, headers }: { writer: DocumentWriter; headers: Readonly<Record<string, string>> },
): Promise<void> {
  if (request.method === 'DELETE') {
    await writer.remove(path, request);
    return done(response, 204, headers);
  }
  if (request.header('content-range') !== undefined) {
    throw webError('WEB_BODY_SYNTAX', 'A file can only be put whole, without Content-Range');
  }
  await writer.check(path, request);
  const { path: from } = await request.body.store();
  done(response, (await writer.put(path, from, request)) ? 201 : 204, headers);
}

export function done(
  response: ServerResponse,
  status: 201 | 204,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, status === 201 ? { ...headers, 'content-length': 0 } : headers);
  response.end();
}
