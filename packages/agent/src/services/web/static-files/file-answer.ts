import { randomBytes } from 'node:crypto';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { rangeCounts, weighConditions } from '../conditional/preconditions.ts';
import { type ByteRange, parseRanges } from '../conditional/ranges.ts';
import { sendText } from '../request-path/send.ts';
import type { KeptAnswer } from './kept-answers.ts';
import { readyMessage } from './ready-message.ts';
import type { SiteFile } from './site-files.ts';

export interface FileAnswerOptions {
  /** Of every answer. */
  headers: Readonly<Record<string, string>>;
  cacheControl: string;
  /** Other clients may get other bytes, by what they accept. */
  varies: boolean;
  /** Milliseconds since 1970. */
  now: number;
}

/**
 * Answers a GET or HEAD with a file, or with what its conditions and ranges ask for. Resolves with the answer where it was all
 * of a file from memory, to be given again.
 */
export async function answerFile(
  file: SiteFile,
  request: IncomingMessage,
  response: ServerResponse,
  options: FileAnswerOptions,
): Promise<KeptAnswer | undefined> {
  const asked = request.headers;
  const about: OutgoingHttpHeaders = {
    ...options.headers,
    etag: file.etag,
    'last-modified': new Date(file.modified).toUTCString(),
    'cache-control': options.cacheControl,
    ...(options.varies && { vary: 'accept-encoding' }),
  };
  const verdict = weighConditions(request.method ?? '', asked, file);
  if (verdict === 'failed') {
    sendText(response, 412, options.headers, 'The condition of the request does not hold\n');
    return undefined;
  }
  if (verdict === 'not modified') {
    response.writeHead(304, about);
    response.end();
    return undefined;
  }
  const headers: OutgoingHttpHeaders = {
    ...about,
    'content-type': file.type,
    ...(file.encoding && { 'content-encoding': file.encoding }),
    'accept-ranges': 'bytes',
  };
  // Only GET knows ranges (RFC 9110 §14.2).
  const counts =
    request.method === 'GET' && rangeCounts(asked['if-range'] as string | undefined, file, options.now);
  const ranges = counts && asked.range !== undefined ? parseRanges(asked.range, file.size) : undefined;
  if (ranges === 'unsatisfiable') {
    const range = { 'content-range': `bytes */${file.size}` };
    sendText(response, 416, { ...options.headers, ...range }, 'The file has no such bytes\n');
    return undefined;
  }
  if (ranges) {
    await sendRanges(file, ranges, headers, response);
    return undefined;
  }
  return sendWhole(file, headers, request, response);
}

async function sendWhole(
  file: SiteFile,
  headers: OutgoingHttpHeaders,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<KeptAnswer | undefined> {
  const all = flat({ ...headers, 'content-length': file.size });
  if (request.method === 'HEAD' || file.size === 0 || file.bytes) {
    response.writeHead(200, all);
    response.end(request.method === 'HEAD' ? undefined : file.bytes);
    if (!file.bytes || request.method !== 'GET') return undefined;
    return { headers: all, body: file.bytes, message: readyMessage(response, file.bytes) };
  }
  await stream(response, 200, all, () => file.read(0, file.size - 1));
  return undefined;
}

async function sendRanges(
  file: SiteFile,
  ranges: ByteRange[],
  headers: OutgoingHttpHeaders,
  response: ServerResponse,
): Promise<void> {
  const [first] = ranges;
  if (!first || ranges.length > 1) return sendParts(file, ranges, headers, response);
  const { start, end } = first;
  const about = flat({
    ...headers,
    'content-range': `bytes ${start}-${end}/${file.size}`,
    'content-length': end - start + 1,
  });
  if (!file.bytes) return stream(response, 206, about, () => file.read(start, end));
  response.writeHead(206, about);
  response.end(file.bytes.subarray(start, end + 1));
}

/** Several ranges, as parts of one message (RFC 9110 §14.6). */
async function sendParts(
  file: SiteFile,
  ranges: ByteRange[],
  { 'content-type': type, ...headers }: OutgoingHttpHeaders,
  response: ServerResponse,
): Promise<void> {
  const boundary = randomBytes(12).toString('hex');
  const heads = ranges.map(
    ({ start, end }) =>
      `\r\n--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: bytes ${start}-${end}/${file.size}\r\n\r\n`,
  );
  const tail = `\r\n--${boundary}--\r\n`;
  const length = ranges.reduce(
    (sum, { start, end }, at) => sum + (heads[at]?.length ?? 0) + end - start + 1,
    tail.length,
  );
  const about = { ...headers, 'content-type': `multipart/byteranges; boundary=${boundary}` };
  await stream(response, 206, flat({ ...about, 'content-length': length }), async () =>
    Readable.from(parts()),
  );

  async function* parts() {
    for (const [at, { start, end }] of ranges.entries()) {
      yield heads[at];
      if (file.bytes) yield file.bytes.subarray(start, end + 1);
      else yield* (await file.read(start, end)) ?? gone();
    }
    yield tail;
  }
}

async function stream(
  response: ServerResponse,
  status: number,
  headers: string[],
  read: () => Promise<Readable | undefined>,
): Promise<void> {
  // A file that waits for the answers before it would be open, and a piece of it in memory, for as long.
  if (!(await hasTurn(response))) return;
  const body = await read();
  if (!body) throw gone();
  response.writeHead(status, headers);
  await pipeline(body, response);
}

/** Resolves when no other answer of the connection is before this one; with false when the connection has gone. */
async function hasTurn(response: ServerResponse): Promise<boolean> {
  if (!response.socket && !response.destroyed) {
    await new Promise<void>((resolve) => response.once('socket', () => resolve()).once('close', resolve));
  }
  return !response.destroyed;
}

/** The length was told already, or will be: only the end of the connection tells that there is less. */
function gone(): never {
  throw new Error('a file was replaced while it was read');
}

function flat(headers: OutgoingHttpHeaders): string[] {
  return Object.entries(headers).flatMap(([name, value]) => [name, String(value)]);
}
