import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

const ANSWERS: Readonly<Record<string, { status: number; code: string; error: string }>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    code: 'HEADERS_TOO_LARGE',
    error: 'the headers are larger than this API takes',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: 'REQUEST_TIMEOUT',
    error: 'the request did not come in time',
  },
};

const MALFORMED = { status: 400, code: 'HTTP_MALFORMED', error: 'this is not HTTP/1.1' };

/** Milliseconds for which the rest of a broken request is read and thrown away. */
const LINGER = 1000;

/** Answers what never became a request (not HTTP, headers too large, too slow) and closes the connection. */
export function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  // Closing while the peer still sends would reset the connection, and the answer would be lost with it. A listener of
  // our own also takes the socket's bytes away from Node's parser, which would complain of them a second time.
  socket.removeAllListeners('data');
  socket.on('data', () => undefined);
  socket.on('error', () => socket.destroy());
  setTimeout(() => socket.destroy(), LINGER).unref();
  const { status, ...answer } = ANSWERS[error.code ?? ''] ?? MALFORMED;
  const body = JSON.stringify(answer);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nDate: ${new Date().toUTCString()}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
